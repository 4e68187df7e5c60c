"""What a program is and what it came to: frozen data.

- :class:`Program`: code in some language, with the files beside it.
- :data:`ProgramStatus`, :class:`ProgramTiming`, :class:`ProgramResult`: one run of it.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

from pydantic import model_validator

from deepgym_env.programs.languages import LANGUAGES, Names
from deepgym_env.task import File, LanguageName, ProgramLimits
from deepgym_env.task.base import Frozen

__all__ = ["Program", "ProgramResult", "ProgramStatus", "ProgramTiming"]

ProgramStatus = Literal[
    "ok",
    "exception",
    "timeout",
    "memory_limit",
    "output_limit",
    "crashed",
    "syntax_error",
    "infrastructure_error",
]

_DEEP = 100  # folders; sandboxes copy no more than 128 levels


class Program(Frozen):
    """A stand-alone program.

    Attributes:
        language: One of :data:`~deepgym_env.programs.languages.LANGUAGES`.
        code: Its source, one file.
        files: What lies beside the source: data, headers, modules it imports.
        args: Its arguments.
        limits: What a run may use.
        fetch: Paths of files it may leave, to be returned with what it wrote.

    Example:
        >>> Program(language="java", code="public class Adder { }").source
        'Adder.java'
    """

    language: LanguageName
    code: str
    files: tuple[File, ...] = ()
    args: tuple[str, ...] = ()
    limits: ProgramLimits = ProgramLimits()
    fetch: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Program:
        names = self.names()
        taken = {names.source, names.main}
        for file in self.files:
            path = PurePosixPath(file.path)
            if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in file.path:
                raise ValueError(f"a file's path must lie beside the source, got {file.path!r}")
            if len(path.parts) > _DEEP:
                raise ValueError(f"a file's path may be {_DEEP} folders deep, got {len(path.parts)}")
            if str(path) in taken:
                raise ValueError(f"two files are called {str(path)!r}; the program's own is {names.source!r}")
            taken.add(str(path))
        if any("\0" in arg for arg in self.args):
            raise ValueError(f"an argument can't hold a NUL character, got {self.args!r}")
        return self

    @property
    def source(self) -> str:
        """Name of the file that holds the code."""
        return self.names().source

    def names(self) -> Names:
        """Return what its file is called and what it is started by."""
        return LANGUAGES[self.language].names(self.code)


class ProgramTiming(Frozen):
    """What a run cost; no part of what it came to.

    Attributes:
        cpu_seconds: CPU time of the program's processes.
        wall_seconds: From its start to its end.
        compile_cpu_seconds: CPU time of the compiler, which ran once for all inputs.
        attempts: Sandboxes it took; above 1 after an infrastructure failure.
    """

    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    compile_cpu_seconds: float = 0.0
    attempts: int = 1


class ProgramResult(Frozen):
    """What one run of a program came to.

    The status is the first of these that holds:

    - ``syntax_error``: it doesn't compile, or not within the compiler's limits;
    - ``output_limit``: it wrote more to standard output than ``output_bytes``, more to either stream
      than the sandbox reads (64 MiB), or a file larger than the disk;
    - ``timeout``: it was ended for its CPU time or for waiting;
    - ``memory_limit``: it was ended for its memory; or it failed and its standard error holds what
      its language says when memory runs out. A program can write that itself: then one failure is
      called by another's name, but none is ever called ``ok``;
    - ``crashed``: a signal ended it. So may a C program end that never looks what ``malloc`` returned;
    - ``exception``: it exited with a code other than 0;
    - ``ok``: it exited with 0.

    ``infrastructure_error`` is no verdict. Equality leaves ``timing`` out.

    Attributes:
        status: What happened.
        stdout: What it wrote to standard output, bytes that are no UTF-8 replaced; where it is too
            much, the middle is left out and a line says so.
        stderr: The same of standard error.
        exit_code: Its exit code; None where it didn't exit by itself.
        signal: Number of the signal that ended it, if one did that was not the sandbox's own.
        truncated: Whether any of its output was left out.
        compile_output: What the compiler said, shortened; warnings too.
        compiler_ended: Why the compiler was ended, if it was: ``cpu``, ``wall``, ``memory`` or ``output``.
        files: Those of ``fetch`` that it left, together no more than 16 MiB.
        unfetched: Why each other one is missing.
        details: One sentence for a person; empty if all is well.
        timing: What the run cost.
    """

    status: ProgramStatus
    stdout: str = ""
    stderr: str = ""
    exit_code: int | None = None
    signal: int | None = None
    truncated: bool = False
    compile_output: str = ""
    compiler_ended: str | None = None
    files: tuple[File, ...] = ()
    unfetched: tuple[str, ...] = ()
    details: str = ""
    timing: ProgramTiming = ProgramTiming()

    @property
    def has_verdict(self) -> bool:
        """Whether the program was run (or doesn't compile); False after an infrastructure failure."""
        return self.status != "infrastructure_error"

    @property
    def ok(self) -> bool:
        """Whether it exited with 0, within its limits."""
        return self.status == "ok"

    def __eq__(self, other: object) -> bool:
        """Compare everything but the timing."""
        if not isinstance(other, ProgramResult):
            return NotImplemented
        return self.model_dump(exclude={"timing"}) == other.model_dump(exclude={"timing"})

    __hash__ = None  # type: ignore[assignment]
