"""What the zygote has at hand to lock a child down, and what one child may use."""

from __future__ import annotations

import fcntl
import os
import resource
import struct
from typing import Callable, Dict, List, Optional

from . import isolation, kernel, seccomp

__all__ = ["Layers", "Limits", "set_rlimits"]

_UNSETTABLE = (resource.RLIMIT_MSGQUEUE, resource.RLIMIT_RTPRIO)  # on gVisor, where nothing hangs on them
_SOME_PID = 0x7FEDCBA9  # no pid, and nothing else in a filter


def set_rlimits(wanted: Dict[int, int]) -> None:
    """Set limits for good, as far below the given ones as they are already."""
    for name, value in wanted.items():
        highest = resource.getrlimit(name)[1]
        value = value if highest == resource.RLIM_INFINITY else min(value, highest)
        try:
            resource.setrlimit(name, (value, value))
        except ValueError:
            if name not in _UNSETTABLE:
                raise


class Limits:
    """What one child may use."""

    def __init__(self, cpu_total: int, memory_mb: int, tmp_mb: int, threads: int) -> None:
        self.cpu_total = cpu_total
        self.memory_mb = memory_mb
        self.tmp_mb = tmp_mb
        self.threads = threads


class Layers:
    """The ways of locking a child down that this zygote has at hand."""

    def __init__(
        self,
        namespaces: bool,
        own_pids: bool,
        seccomp_on: bool,
        landlock_on: bool,
        readable: List[str],
        programs: bool = False,
    ) -> None:
        self.namespaces = namespaces
        self.programs = programs  # submissions may start some
        self.own_pids = own_pids  # each child is in a pid namespace of its own
        self.devnull = _out_of_the_way(os.open("/dev/null", os.O_RDWR))
        self.base_memory = 0
        self.zygote = os.getpid()
        self.highest_fd = 256
        self.landlock: Optional[int] = None
        self.seccomp: Optional[Callable[[], kernel.Filter]] = None
        if landlock_on:
            writable = [isolation.BOX] if namespaces else ["/dev/null"]
            # Without a root of its own a child could else read the host's packages and devices.
            shown = [*readable, "/dev"] if namespaces else _narrowed(readable)
            rules = kernel.landlock_rules(shown, writable)
            self.landlock = _out_of_the_way(rules)
        if seccomp_on and own_pids:
            machine = os.uname().machine
            ready = kernel.Filter(
                seccomp.workspace_program(machine, spare_first=True)
                if programs
                else seccomp.filter_program(machine, None)
            )
            self.seccomp = lambda: ready
        elif seccomp_on:
            self._program = seccomp.filter_program(os.uname().machine, _SOME_PID)
            self.seccomp = self._own_filter

    def _own_filter(self) -> kernel.Filter:
        """Return a filter that names the child's own pid: where it sees the pids of others."""
        return kernel.Filter(self._program.replace(struct.pack("<I", _SOME_PID), struct.pack("<I", os.getpid())))


def _narrowed(readable: List[str]) -> List[str]:
    """Return what may be read where the host's folders are in sight: no packages, no other device."""
    shown = list(isolation.DEVICES)
    for path in readable:
        hidden = [os.path.join(path, name) for name in isolation.PACKAGE_FOLDERS]
        entries = [entry.path for entry in os.scandir(path)] if any(map(os.path.isdir, hidden)) else [path]
        shown += [entry for entry in entries if entry not in hidden]
    return shown


def _out_of_the_way(descriptor: int) -> int:
    """Move a descriptor above the numbers a child uses."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved
