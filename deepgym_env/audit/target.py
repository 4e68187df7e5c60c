"""What an audit attacks: anything that scores a submission.

- :class:`Scored`: what a submission came to.
- :class:`Target`: the seam; one implementation per kind of thing audited.
- :class:`SubmissionTarget`: a task judged by the engine; :class:`FunctionTarget`: one that asks for a function.
- :func:`score_each`: scores submissions that each need a session, a few at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from deepgym_env.audit.knowledge import Knowledge, knowledge_of_task
from deepgym_env.blocking import DeepGym
from deepgym_env.engine import AsyncDeepGym
from deepgym_env.task import FunctionTask, SubmissionTask

__all__ = ["FunctionTarget", "Kind", "Progress", "Scored", "SubmissionTarget", "Target", "score_each"]

Kind = Literal["function", "workspace", "verifier", "program", "suite"]
Progress = Callable[[int, int], None]
_SESSIONS = 2  # per worker


@dataclass(frozen=True, slots=True)
class Scored:
    """What a submission came to.

    Attributes:
        score: 0..1; None where there is no verdict.
        passed: Whether it counts as a solution.
        status: What happened, in a word or a line.
    """

    score: float | None
    passed: bool
    status: str = ""


class Target(Protocol):
    """Something that scores submissions.

    A submission is a shell script for ``workspace`` targets, and Python source for all others.
    """

    @property
    def name(self) -> str:
        """What it is called in a report."""

    @property
    def kind(self) -> Kind:
        """What kind of submission it takes."""

    @property
    def knowledge(self) -> Knowledge:
        """What an attacker knows of it."""

    def score(self, submissions: Sequence[str], *, progress: Progress | None = None) -> list[Scored]:
        """Score submissions, each by itself, in the order given."""


class SubmissionTarget:
    """A task answered by a submission; all those of a call go through the engine in one batch."""

    def __init__(self, dg: DeepGym, task: SubmissionTask, knowledge: Knowledge) -> None:
        """Score by ``task`` on ``dg``; ``knowledge`` is what an attacker has."""
        self.name = task.id
        self.task = task
        self.knowledge = knowledge
        self._dg = dg

    def score(self, submissions: Sequence[str], *, progress: Progress | None = None) -> list[Scored]:
        """Score submissions."""
        batch = self._dg.run_batch(self.task, submissions, progress=progress)
        return [Scored(result.score, result.passed, result.status) for result in batch]


class FunctionTarget(SubmissionTarget):
    """A function task.

    Example:
        >>> from deepgym_env import load_task
        >>> with DeepGym(workers=1) as dg:
        ...     FunctionTarget(dg, load_task("fizzbuzz")).score(["import os; os._exit(0)"])
        [Scored(score=0.0, passed=False, status='crashed')]
    """

    kind: Kind = "function"

    def __init__(self, dg: DeepGym, task: FunctionTask) -> None:
        """Score by ``task`` on ``dg``."""
        super().__init__(dg, task, knowledge_of_task(task))


def score_each(
    dg: DeepGym,
    submissions: Sequence[str],
    score: Callable[[AsyncDeepGym, str], Awaitable[Scored]],
    progress: Progress | None = None,
) -> list[Scored]:
    """Score submissions, each in a session of its own, a few at a time; in the order given."""

    async def all_of_them(engine: AsyncDeepGym) -> list[Scored]:
        slots, done = asyncio.Semaphore(_SESSIONS * engine.workers), 0

        async def one(submission: str) -> Scored:
            nonlocal done
            async with slots:
                scored = await score(engine, submission)
            done += 1
            if progress is not None:
                progress(done, len(submissions))
            return scored

        return list(await asyncio.gather(*map(one, submissions)))

    return dg.call(all_of_them)
