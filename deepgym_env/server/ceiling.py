"""How much memory callers may give what they run.

- :class:`Ceiling`: refuses limits above it, those of a task that came by value too.
"""

from __future__ import annotations

import os

from pydantic import BaseModel

from deepgym_env.errors import ConfigError
from deepgym_env.task import AnyTask

__all__ = ["Ceiling"]

_IN_MEMORY = {"memory_mb", "compile_memory_mb", "disk_mb", "tmp_mb"}  # a sandbox's files lie in memory too
_OF_TASKS = ("limits", "verifier_limits")


class Ceiling:
    """The most a limit may be that a caller sets; the server's own tasks are as whoever runs it wants them.

    It refuses and never lowers: a verdict must not depend on the server. What nobody raised is never too high.

    Example:
        >>> from deepgym_env.task import ProgramLimits
        >>> Ceiling(1024).check(ProgramLimits(memory_mb=1024))
        >>> Ceiling(1024).check(ProgramLimits(memory_mb=1025))
        Traceback (most recent call last):
        ...
        deepgym_env.errors.ConfigError: limits.memory_mb may be 1024 at this server, got 1025: ask for less, or ...
    """

    def __init__(self, memory_mb: int | None = None) -> None:
        """Allow ``memory_mb``; None: the machine's memory."""
        self.memory_mb = memory_mb or os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20

    def check(self, limits: BaseModel | None) -> None:
        """Refuse limits that are too high.

        Raises:
            ConfigError: Naming the one that is.
        """
        fields = {} if limits is None else type(limits).model_fields
        for name in sorted(fields.keys() & _IN_MEMORY):
            asked = getattr(limits, name)
            if asked > max(self.memory_mb, fields[name].default):
                raise ConfigError(
                    f"limits.{name} may be {self.memory_mb} at this server, got {asked}: ask for less, or start it "
                    "with a higher --max-memory-mb"
                )

    def check_task(self, task: AnyTask) -> None:
        """Refuse a task whose limits are too high.

        Raises:
            ConfigError: Naming the one that is.
        """
        for name in _OF_TASKS:
            self.check(getattr(task, name, None))
