"""What goes into a sandbox and how it ends there: plain data between judge, engine and backends."""

from __future__ import annotations

import os
from dataclasses import dataclass

__all__ = ["Ending", "Forfeited", "Job", "Next"]


class Forfeited(Exception):
    """Says that a process can't send anything more that counts: it may be killed."""


@dataclass(frozen=True, slots=True)
class Job:
    """One process's work.

    Attributes:
        stages: What the child is sent: ``(answers it must have given before, bytes)``.
        answers: Frames it may send back, queries apart.
        cpu_seconds: CPU time between two answers.
        wall_seconds: Time without computing between two answers, seconds.
        memory_mb: Address space, MiB.
        tmp_mb: Size of its ``/tmp``, MiB.
        threads: Threads it may have.
        frame_bytes: Size of one frame it sends.
        queries: Queries it may send between two answers.
        query_bytes: Size of these queries together.
        interactive: Whether what it is asked comes piece by piece, as replies to its answers: it waits
            for them on nobody's account, and a test lasts until the reply that is a :class:`Next`.
    """

    stages: tuple[tuple[int, bytes], ...]
    answers: int
    cpu_seconds: float
    wall_seconds: float
    memory_mb: int
    tmp_mb: int
    threads: int
    frame_bytes: int
    queries: int = 0
    query_bytes: int = 1 << 20
    interactive: bool = False


@dataclass(frozen=True, slots=True)
class Next:
    """What a process is sent to begin its next test with: its clocks start again."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended.

    Attributes:
        reason: Why the runner killed it (``cpu, wall, output, queries, protocol, closed,
            cancelled``); None if it ended by itself.
        status: Its wait status.
        cpu_seconds: CPU time it used.
        peak_kb: Its largest resident set, KiB.
        cpu_exhausted: Whether it used all CPU time its tests together may.
    """

    reason: str | None
    status: int
    cpu_seconds: float
    peak_kb: int
    cpu_exhausted: bool = False

    @property
    def signal(self) -> int | None:
        """The signal that ended it, if one did."""
        return os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else None
