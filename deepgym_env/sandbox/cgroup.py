"""A cgroup v2 of its own for each runner, where this process may make one.

It bounds what rlimits don't: the memory and processes of a runner and all its children together.
See the kernel's ``Documentation/admin-guide/cgroup-v2.rst``.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from pathlib import Path

__all__ = ["Cgroup", "CgroupError"]

_CONTROLLERS = ("memory", "pids")
_MAX_PROCESSES = 4096
_SHARE_OF_MEMORY = 0.75
_TRIES, _PAUSE = 20, 0.005
_numbers = itertools.count()


class CgroupError(Exception):
    """No cgroup can be made here; the message says why."""


class Cgroup:
    """One runner's cgroup."""

    def __init__(self, folder: Path) -> None:
        """Wrap an existing cgroup."""
        self.folder = folder

    @classmethod
    def create(cls, parent: Path | None = None) -> Cgroup:
        """Make a cgroup below ``parent``, by default below this process's own.

        Raises:
            CgroupError: If there is no cgroup v2, or it isn't delegated to this process.
        """
        parent = _own_folder() if parent is None else parent
        _enable_controllers(parent)
        folder = parent / f"deepgym-{os.getpid()}-{next(_numbers)}"
        try:
            folder.mkdir()
            memory = int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * _SHARE_OF_MEMORY)
            (folder / "memory.max").write_text(str(memory))
            (folder / "pids.max").write_text(str(_MAX_PROCESSES))
        except OSError as error:
            raise CgroupError(f"{folder}: {error.strerror}") from error
        return cls(folder)

    def add(self, pid: int) -> None:
        """Move a process in; what it forks from then on is born there.

        Raises:
            CgroupError: If the kernel refuses.
        """
        try:
            (self.folder / "cgroup.procs").write_text(str(pid))
        except OSError as error:
            raise CgroupError(f"{self.folder}: {error.strerror}") from error

    def remove(self) -> None:
        """Kill whatever is left in it and remove it, as far as the kernel allows."""
        with contextlib.suppress(OSError):
            (self.folder / "cgroup.kill").write_text("1")
        for _ in range(_TRIES):
            with contextlib.suppress(OSError):
                self.folder.rmdir()
            if not self.folder.exists():
                return
            time.sleep(_PAUSE)  # what was killed takes a moment to be gone


def _own_folder() -> Path:
    mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    points = [fields[4] for fields in mounts if fields[fields.index("-") + 1] == "cgroup2"]
    paths = [line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")]
    if not points or not paths:
        raise CgroupError("no cgroup v2 is mounted")
    return Path(points[0] + paths[0].rstrip("/"))


def _enable_controllers(parent: Path) -> None:
    """See to it that children of ``parent`` have the controllers."""
    try:
        available = (parent / "cgroup.controllers").read_text().split()
        missing = [name for name in _CONTROLLERS if name not in available]
        if missing:
            raise CgroupError(f"{parent} has no {' and no '.join(missing)} controller")
        enabled = (parent / "cgroup.subtree_control").read_text().split()
        if any(name not in enabled for name in _CONTROLLERS):
            (parent / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in _CONTROLLERS))
    except OSError as error:
        raise CgroupError(f"{parent}: {error.strerror}") from error
