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
        self.zygote = os.getpid()
        self.highest_fd = 256
        self.landlock: Optional[int] = None
        self.seccomp: Optional[Callable[[], kernel.Filter]] = None
        if landlock_on:
            writable = [isolation.BOX] if namespaces else ["/dev/null"]
            shown = readable if namespaces else [entry for path in readable for entry in _without_packages(path)]
            # An import lists the folders it looks in; of those, names alone are no secret.
            listable = [*readable, *(folder for folder in map(os.path.dirname, readable) if folder != "/")]
            rules = kernel.landlock_rules([*shown, *isolation.DEVICES], listable, writable)
            self.landlock = _out_of_the_way(rules)
        if seccomp_on and namespaces:
            ready = kernel.Filter(seccomp.filter_program(os.uname().machine, None))
            self.seccomp = lambda: ready
        elif seccomp_on:
            self.seccomp = self._own_filter

    def _own_filter(self) -> kernel.Filter:
        """Return a filter that names the child's own pid: where it sees the pids of others."""
        return kernel.Filter(seccomp.filter_program(os.uname().machine, os.getpid()))


def _without_packages(path: str) -> List[str]:
    """Return a folder's entries but for installed packages, where the root has not hidden those."""
    hidden = {os.path.join(path, name) for name in isolation.PACKAGE_FOLDERS}
    if not any(map(os.path.isdir, hidden)):
        return [path]
    return [entry.path for entry in os.scandir(path) if entry.path not in hidden]


def _out_of_the_way(descriptor: int) -> int:
    """Move a descriptor above the numbers a child uses."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved
