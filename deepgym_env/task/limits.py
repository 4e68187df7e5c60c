"""What untrusted code may use.

- :class:`Limits`: one test of a function.
- :class:`ProgramLimits`: one run of a program.
- :class:`SessionLimits`: one command in a session.
"""

from __future__ import annotations

from pydantic import Field

from deepgym_env.task.base import Frozen

__all__ = ["Limits", "ProgramLimits", "SessionLimits"]


class Limits(Frozen):
    """What a submission may use.

    Attributes:
        cpu_seconds: CPU time of one test, summed over threads. Load on the machine doesn't count.
        wall_seconds: Time one test may spend *not* computing (asleep, blocked), in seconds.
        memory_mb: Address space on top of the interpreter's own, in MiB.
        output_bytes: Size of one test's encoded answer, in bytes; also of what it prints.
        tmp_mb: Size of the private ``/tmp``, in MiB.
        threads: Threads it may have, the first included.
        queries: Calls of :class:`Query` arguments in one test.
    """

    cpu_seconds: float = Field(default=1.0, gt=0, le=3600)
    wall_seconds: float = Field(default=5.0, gt=0, le=3600)
    memory_mb: int = Field(default=256, ge=16, le=1 << 20)
    output_bytes: int = Field(default=1 << 20, ge=1024, le=1 << 28)
    tmp_mb: int = Field(default=16, ge=1, le=1 << 16)
    threads: int = Field(default=64, ge=1, le=4096)
    queries: int = Field(default=10_000, ge=1)


class ProgramLimits(Frozen):
    """What one run of a program may use, and its compiler.

    Attributes:
        cpu_seconds: CPU time, summed over threads and processes. Load on the machine doesn't count.
        wall_seconds: Time it may spend *not* computing (asleep, blocked), in seconds.
        memory_mb: Memory of its processes together, in MiB. Java, JavaScript and Go get what their
            runtimes need on top; for them it is the size of the heap.
        processes: Processes and threads it may have at a time.
        output_bytes: What it may write to standard output; what of standard error is kept.
        disk_mb: Size of a file it may write, in MiB. All its files with ``/tmp`` and the compiled
            program may have that together, and what room its compiler needed.
        compile_cpu_seconds: CPU time of the compiler.
        compile_wall_seconds: Time the compiler may spend not computing.
        compile_memory_mb: Memory of the compiler, in MiB.
    """

    cpu_seconds: float = Field(default=5.0, gt=0, le=3600)
    wall_seconds: float = Field(default=10.0, gt=0, le=3600)
    memory_mb: int = Field(default=512, ge=64, le=1 << 19)
    processes: int = Field(default=64, ge=1, le=4096)
    output_bytes: int = Field(default=1 << 20, ge=256, le=1 << 25)
    disk_mb: int = Field(default=64, ge=1, le=1 << 15)
    compile_cpu_seconds: float = Field(default=30.0, gt=0, le=3600)
    compile_wall_seconds: float = Field(default=30.0, gt=0, le=3600)
    compile_memory_mb: int = Field(default=2048, ge=64, le=1 << 19)


class SessionLimits(Frozen):
    """What one command in a session may use, and the session as a whole.

    Attributes:
        cpu_seconds: CPU time of a command, summed over its processes. Load on the machine doesn't count.
        wall_seconds: Time a command may spend *not* computing (asleep, blocked), in seconds.
        memory_mb: Memory of a command's processes together, in MiB.
        address_space_mb: Address space of each of its processes, in MiB; None: as ``memory_mb``. Java,
            Node and Go reserve far more than they use.
        deep_stack: Whether a process's stack may grow as far as its memory goes; else as the machine
            has it, mostly 8 MiB.
        processes: Processes and threads a command may have at a time.
        output_bytes: What is kept of a command's output, the middle left out where it is more.
        disk_mb: Size of the workspace with ``/tmp``, in MiB.
        files: Files and folders it may hold.
    """

    cpu_seconds: float = Field(default=10.0, gt=0, le=3600)
    wall_seconds: float = Field(default=30.0, gt=0, le=3600)
    memory_mb: int = Field(default=1024, ge=64, le=1 << 20)
    address_space_mb: int | None = Field(default=None, ge=64, le=1 << 30)
    deep_stack: bool = False
    processes: int = Field(default=64, ge=1, le=4096)
    output_bytes: int = Field(default=16_384, ge=256, le=1 << 26)
    disk_mb: int = Field(default=64, ge=1, le=1 << 16)
    files: int = Field(default=8192, ge=64, le=1 << 20)
