"""DeepGym's tasks for TRL's trainers; Unsloth, which patches them, takes the same functions.

- :func:`make_trl_reward_fn`: a completion is a submission, its reward the score.
- :func:`make_trl_reward_fns`: a function per test or component, which run each batch once between them.
- :func:`make_trl_environment_factory`, :func:`make_trl_environment_factories`,
  :func:`trl_environment_of`: episodes of many turns, whose tools TRL calls.
- :func:`make_trl_rollout_func`: episodes of many turns, played by DeepGym with TRL's generation.
- :func:`make_trl_episode_reward`: the reward of both kinds of episode.

An infrastructure failure is None, which TRL leaves out of the group's baseline. TRL itself isn't imported.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal

from deepgym_env.blocking import DeepGym
from deepgym_env.errors import ConfigError
from deepgym_env.integrations.scoring import Completion, Scorer, Tasks, text_of
from deepgym_env.integrations.trl_episodes import (
    make_trl_environment_factories,
    make_trl_environment_factory,
    make_trl_episode_reward,
    trl_environment_of,
)
from deepgym_env.integrations.trl_metrics import Outcome, RewardFn, log_outcomes
from deepgym_env.integrations.trl_rollout import make_trl_rollout_func
from deepgym_env.result import RunResult
from deepgym_env.task import SubmissionTask, Task

__all__ = [
    "RewardFn",
    "make_trl_environment_factories",
    "make_trl_environment_factory",
    "make_trl_episode_reward",
    "make_trl_reward_fn",
    "make_trl_reward_fns",
    "make_trl_rollout_func",
    "trl_environment_of",
]

Per = Literal["score", "test", "component"]
_KEPT = 8  # batches that wait for a function that never asks


def make_trl_reward_fn(env: Tasks = None, *, engine: DeepGym | None = None, task_column: str = "task") -> RewardFn:
    """Return a reward function of one completion, for ``GRPOTrainer(reward_funcs=...)`` and its like.

    It logs the pass rate, the share without a verdict and the share of each status, and adds the status of
    each completion to the trainer's table of them.

    Args:
        env: One task or id: that of rows that name none. Several: those that rows may name. None: rows may
            name any task there is.
        engine: The engine that judges; by default this process's.
        task_column: The column of the data set that names a row's task, as ``datasets.to_hf`` makes it.

    Returns:
        A function of TRL's keywords: per completion, plain or conversational, its score in 0..1, or None where
        there is no verdict. It can be pickled unless it was given an engine.

    Raises:
        UnknownTaskError: If there is no task of an id; the function raises it of a row's.
        ConfigError: If a task is a workspace; the function raises it of a row without a task.

    Example:
        >>> reward = make_trl_reward_fn("reverse_string")
        >>> reward(prompts=["?", "?"], completions=["def reverse_string(s): return s[::-1]", "no"])
        [1.0, 0.0]
    """
    return make_trl_reward_fns(env, per="score", engine=engine, task_column=task_column)[0]


def make_trl_reward_fns(
    env: Tasks,
    *,
    per: Per = "test",
    components: Sequence[str] | None = None,
    beside: Sequence[RewardFn] = (),
    engine: DeepGym | None = None,
    task_column: str = "task",
) -> list[RewardFn]:
    """Return several reward functions that run each batch once between them.

    TRL adds up the functions' values, each with its weight of ``reward_weights``, and a None beside a number
    counts there as 0. So that a completion without a verdict is left out nonetheless, all these give None
    for it, and those in ``beside`` too; a function of another task gives None as well.

    Args:
        env: As for :func:`make_trl_reward_fn`; for ``test``, at least one task.
        per: ``test``: a function per test, named by its id, after the task's where there are several;
            ``component``: one per reward component; ``score``: one, as :func:`make_trl_reward_fn` makes it.
        components: The names of the components; by default ``correctness``, and ``efficiency`` where a task
            measures it. A verifier may tell others.
        beside: Further reward functions (of the format, say), which are asked as ever, but whose value is None
            where there is no verdict.
        engine: The engine that judges; by default this process's.
        task_column: The column of the data set that names a row's task.

    Raises:
        UnknownTaskError: If there is no task of an id.
        ConfigError: If a task is a workspace, or there is none whose tests could be named.

    Example:
        >>> rewards = make_trl_reward_fns("reverse_string", per="component")
        >>> [reward.__name__ for reward in rewards]
        ['correctness']
    """
    scorer = Scorer(env, engine)
    readers = _readers(scorer, per, components)
    for other in beside:
        if inspect.iscoroutinefunction(other) or inspect.iscoroutinefunction(type(other).__call__):
            raise ConfigError(f"beside takes plain functions, and {other!r} is asynchronous")
    batches = _Batches(scorer, len(readers) + len(beside), task_column)
    named = [_Reward(name, number, batches, read) for number, (name, read) in enumerate(readers)]
    others = [_Beside(number, batches, other) for number, other in enumerate(beside, len(named))]
    return [*named, *others]


# ── what a function reads off a result ────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Score:
    def __call__(self, result: RunResult) -> float | None:
        return result.score


@dataclass(frozen=True)
class _Test:
    task: str
    test: str

    def __call__(self, result: RunResult) -> float | None:
        if not result.has_verdict or result.task_id != self.task:
            return None
        return next((case.score for case in result.cases if case.id == self.test), None)


@dataclass(frozen=True)
class _Component:
    name: str

    def __call__(self, result: RunResult) -> float | None:
        return result.reward_components.get(self.name) if result.has_verdict else None


Reader = _Score | _Test | _Component


def _readers(scorer: Scorer, per: Per, components: Sequence[str] | None) -> list[tuple[str, Reader]]:
    tasks = scorer.tasks
    if per == "score":
        return [("deepgym", _Score())]
    if per == "test":
        if not tasks:
            raise ConfigError("a function per test needs the tasks: name them")
        return [
            (test.id if len(tasks) == 1 else f"{task.id}.{test.id}", _Test(task.id, test.id))
            for task in tasks
            for test in task.tests
        ]
    if per == "component":
        return [(name, _Component(name)) for name in components or _components(tasks)]
    raise ConfigError(f"per must be 'score', 'test' or 'component', got {per!r}")


def _components(tasks: Sequence[SubmissionTask]) -> list[str]:
    measured = any(test.budget is not None for task in tasks if isinstance(task, Task) for test in task.tests)
    return ["correctness", *(["efficiency"] if measured else [])]


# ── the functions ─────────────────────────────────────────────────────────────────────────


class _Reward:
    """One value of each result."""

    def __init__(self, name: str, number: int, batches: _Batches, read: Reader) -> None:
        self.__name__ = name
        self._number, self._batches, self._read = number, batches, read

    def __call__(self, prompts: Sequence[Any], completions: Sequence[Completion], **columns: Any) -> list[float | None]:
        """Return a value per completion; None where there is no verdict."""
        return [self._read(result) for result in self._batches(self._number, completions, columns)]


class _Beside:
    """Another reward function, silent where there is no verdict."""

    def __init__(self, number: int, batches: _Batches, other: RewardFn) -> None:
        self.__name__ = getattr(other, "__name__", type(other).__name__)
        self._number, self._batches, self._other = number, batches, other

    def __call__(self, prompts: Sequence[Any], completions: Sequence[Completion], **columns: Any) -> list[float | None]:
        """Return the other's value per completion; None where there is no verdict."""
        values = self._other(prompts=prompts, completions=completions, **columns)
        results = self._batches(self._number, completions, columns)
        return [value if result.has_verdict else None for value, result in zip(values, results, strict=True)]


@dataclass(eq=False)
class _Batch:
    """A batch under way, or waiting for the functions that have not asked for it yet."""

    key: tuple[tuple[str, ...], tuple[str | None, ...] | None]
    results: Future[list[RunResult]] = field(default_factory=Future)
    askers: set[int] = field(default_factory=set)


class _Batches:
    """Runs each batch once for several functions; the one that asks first also logs it.

    A function that asks again has a new batch, though the completions be the same.
    """

    def __init__(self, scorer: Scorer, functions: int, task_column: str) -> None:
        self._scorer, self._functions, self._task_column = scorer, functions, task_column
        self._waiting: list[_Batch] = []
        self._lock = threading.Lock()

    def __call__(self, asker: int, completions: Sequence[Completion], columns: dict[str, Any]) -> list[RunResult]:
        tasks = columns.get(self._task_column)
        texts = [text_of(completion) for completion in completions]
        batch, first = self._join(asker, (tuple(texts), None if tasks is None else tuple(tasks)))
        if first:
            try:
                results = self._scorer(texts, tasks)
            except BaseException as error:
                batch.results.set_exception(error)
                raise
            batch.results.set_result(results)
            outcomes = [Outcome(result.status, result.score) for result in results]
            log_outcomes(outcomes, columns.get("log_metric"), columns.get("log_extra"))
        return batch.results.result()

    def _join(self, asker: int, key: tuple[tuple[str, ...], tuple[str | None, ...] | None]) -> tuple[_Batch, bool]:
        """Return the batch and whether the asker is to run it."""
        with self._lock:
            batch = next((one for one in self._waiting if one.key == key and asker not in one.askers), None)
            first = batch is None
            if batch is None:
                batch = _Batch(key)
                self._waiting = [*self._waiting, batch][-_KEPT:]
            batch.askers.add(asker)
            if len(batch.askers) == self._functions:
                self._waiting.remove(batch)
            return batch, first

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs."""
        return {**self.__dict__, "_waiting": [], "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take it over."""
        self.__dict__.update(state, _lock=threading.Lock())
