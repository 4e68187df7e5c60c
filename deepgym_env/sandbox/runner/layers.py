"""What the zygote has at hand to lock a child down, and what one child may use."""

from __future__ import annotations

import fcntl
import os
from typing import Callable, List, Optional

from . import isolation, kernel, seccomp

__all__ = ["Layers", "Limits"]


class Limits:
    """What one child may use."""

    def __init__(self, cpu_total: int, memory_mb: int, tmp_mb: int, threads: int) -> None:
        self.cpu_total = cpu_total
        self.memory_mb = memory_mb
        self.tmp_mb = tmp_mb
        self.threads = threads


class Layers:
    """The ways of locking a child down that this zygote has at hand."""

    def __init__(self, namespaces: bool, seccomp_on: bool, landlock_on: bool, readable: List[str]) -> None:
        self.namespaces = namespaces
        self.devnull = _out_of_the_way(os.open("/dev/null", os.O_RDWR))
        self.base_memory = 0
        self.highest_fd = 256
        self.landlock: Optional[int] = None
        self.seccomp: Optional[Callable[[], kernel.Filter]] = None
        if landlock_on:
            writable = [isolation.BOX] if namespaces else ["/dev/null"]
            self.landlock = _out_of_the_way(kernel.landlock_rules([*readable, "/dev"], writable))
        if seccomp_on and namespaces:
            ready = kernel.Filter(seccomp.filter_program(os.uname().machine, None))
            self.seccomp = lambda: ready
        elif seccomp_on:
            self.seccomp = self._own_filter

    def _own_filter(self) -> kernel.Filter:
        """Return a filter that names the child's own pid: where it sees the pids of others."""
        return kernel.Filter(seccomp.filter_program(os.uname().machine, os.getpid()))


def _out_of_the_way(descriptor: int) -> int:
    """Move a descriptor above the numbers a child uses."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved
