"""What an audit attacks: anything that scores a submission.

- :class:`Scored`: what a submission came to.
- :class:`Target`: the seam; one implementation per kind of thing audited.
- :class:`FunctionTarget`: a function task, judged by the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from deepgym_env.audit.knowledge import Knowledge, knowledge_of_task
from deepgym_env.blocking import DeepGym
from deepgym_env.task import Task

__all__ = ["FunctionTarget", "Kind", "Progress", "Scored", "Target"]

Kind = Literal["function", "workspace", "verifier"]
Progress = Callable[[int, int], None]


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

    A submission is Python source for ``function`` and ``verifier`` targets, and a shell script for
    ``workspace`` targets.
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


class FunctionTarget:
    """A function task; all submissions of a call go through the engine in one batch.

    Example:
        >>> from deepgym_env import load_task
        >>> with DeepGym(workers=1) as dg:
        ...     FunctionTarget(dg, load_task("fizzbuzz")).score(["import os; os._exit(0)"])
        [Scored(score=0.0, passed=False, status='crashed')]
    """

    kind: Kind = "function"

    def __init__(self, dg: DeepGym, task: Task) -> None:
        """Score by ``task`` on ``dg``."""
        self.name = task.id
        self.task = task
        self.knowledge = knowledge_of_task(task)
        self._dg = dg

    def score(self, submissions: Sequence[str], *, progress: Progress | None = None) -> list[Scored]:
        """Score submissions."""
        batch = self._dg.run_batch(self.task, submissions, progress=progress)
        return [Scored(result.score, result.passed, result.status) for result in batch]
