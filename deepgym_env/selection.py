"""Which tasks are meant: those of a benchmark, of a difficulty, with tags, solved about so often.

- :func:`select_tasks`: the ids of the tasks that fit; a benchmark's are chosen by its index, none is loaded.
- :class:`Criteria`: what fits, for tasks that are at hand.
- :func:`known`, :func:`count_tests`: what is known of one by id; :func:`of_namespace`: the ids of a namespace.
- :func:`own_tasks`: the built-in tasks and those added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from deepgym_env import added_tasks, benchmarks
from deepgym_env.catalog import load_task, task_ids
from deepgym_env.errors import ConfigError, TaskError
from deepgym_env.pass_rates import Rates, read_pass_rates
from deepgym_env.task import AnyTask

__all__ = ["Criteria", "Known", "count_tests", "known", "of_namespace", "own_tasks", "select_tasks"]

Known = benchmarks.Entry | AnyTask


@dataclass(frozen=True)
class Criteria:
    """What tasks are wanted.

    Attributes:
        difficulty: Only these; None: any.
        tags: Only tasks with all of these; the split a task is in is one of its tags.
        pass_rate: Only tasks solved at least and at most so often, 0..1; None: any, and tasks never tried.
        rates: How often each was solved, by id.

    Example:
        >>> from deepgym_env import load_task
        >>> hard = Criteria.of(difficulty="easy", pass_rate=(0.1, 0.9), rates={"fizzbuzz": 0.5, "two_sum": 1.0})
        >>> [hard.fits(load_task(name)) for name in ("fizzbuzz", "two_sum", "rotate_array")]
        [True, False, False]
    """

    difficulty: str | None = None
    tags: frozenset[str] = frozenset()
    pass_rate: tuple[float, float] | None = None
    rates: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        difficulty: str | None = None,
        tags: Iterable[str] = (),
        split: str | None = None,
        pass_rate: Sequence[float] | None = None,
        rates: Rates | None = None,
    ) -> Criteria:
        """Read the options that ask for tasks.

        Raises:
            ConfigError: If they can't work.
        """
        if isinstance(tags, str):
            raise ConfigError(f"tags must be a list of tags, got {tags!r}")
        wanted = frozenset((*tags, *([split] if split else ())))
        if pass_rate is None:
            return cls(difficulty, wanted, None, read_pass_rates(rates) if rates is not None else {})
        if rates is None:
            raise ConfigError("pass_rate needs rates=: a results file of `deepgym eval`, which measured them")
        if len(pass_rate) != 2 or not 0 <= pass_rate[0] <= pass_rate[1] <= 1:
            raise ConfigError(f"pass_rate must be (least, most), both 0..1, got {pass_rate!r}")
        return cls(difficulty, wanted, (float(pass_rate[0]), float(pass_rate[1])), read_pass_rates(rates))

    def __bool__(self) -> bool:
        """Return whether anything is asked for."""
        return bool(self.difficulty or self.tags or self.pass_rate)

    def rate_of(self, task: Known) -> float | None:
        """Return how often a task was solved; None if it wasn't tried."""
        return self.rates.get(task.id)

    def fits(self, task: Known) -> bool:
        """Return whether a task is wanted."""
        if self.difficulty not in (None, task.difficulty) or not self.tags <= set(task.tags):
            return False
        rate = self.rate_of(task)
        return self.pass_rate is None or (rate is not None and self.pass_rate[0] <= rate <= self.pass_rate[1])

    def __str__(self) -> str:
        """Say what is wanted, for messages."""
        parts = [self.difficulty or "of any difficulty", f"with the tags {sorted(self.tags)}"]
        if self.pass_rate:
            parts.append(
                f"solved {self.pass_rate[0]:g} to {self.pass_rate[1]:g} of the time ({len(self.rates)} were tried)"
            )
        return " ".join(parts)


def select_tasks(
    tasks: Sequence[str] | None = None,
    *,
    benchmark: str | None = None,
    difficulty: str | None = None,
    tags: Sequence[str] = (),
    split: str | None = None,
    pass_rate: Sequence[float] | None = None,
    rates: Rates | None = None,
) -> tuple[str, ...]:
    """Return the ids of the tasks that fit.

    Args:
        tasks: Choose among these; by default among all of ``benchmark``, else all built-in ones.
        benchmark: An imported benchmark, by its name or as its ids begin, or another namespace of tasks.
        difficulty: Only tasks of that difficulty.
        tags: Only tasks with all of these.
        split: Only tasks of that split of their benchmark.
        pass_rate: Only tasks solved at least and at most so often, ``(0.1, 0.9)``; those never tried are left out.
        rates: Where that was measured: the results file of ``deepgym eval``, a log of episodes, or a mapping.

    Raises:
        ConfigError: If none does, or an option can't work.

    Example:
        >>> select_tasks(difficulty="medium", tags=["trees"])
        ('level_order_traversal',)
    """
    if tasks is not None and benchmark is not None:
        raise ConfigError("a choice is among tasks or a benchmark's, not both")
    criteria = Criteria.of(difficulty, tags, split, pass_rate, rates)
    if benchmark is not None:
        ids: Sequence[str] = of_namespace(benchmark)
    else:
        ids = [task.removeprefix("DeepGym/") for task in (task_ids() if tasks is None else tasks)]
    if criteria:
        ids = [name for name in ids if criteria.fits(known(name))]
    if not ids:
        raise ConfigError(f"no task is {criteria}")
    return tuple(ids)


def own_tasks() -> tuple[list[Known], list[TaskError]]:
    """Return the built-in tasks and those added, and what is wrong with those of these that can't be loaded."""
    added, wrong = added_tasks.everything()
    found: list[Known] = [load_task(task_id) for task_id in task_ids()]
    for task_id in (each.id for each in added if each.id not in task_ids()):
        try:
            found.append(load_task(task_id))
        except TaskError as error:
            wrong.append(error)
    return found, wrong


def of_namespace(name: str) -> list[str]:
    """Return the ids of a benchmark's tasks, or of what else has a namespace of its own.

    Raises:
        ConfigError: If there is none.
    """
    added = [] if name in benchmarks.BENCHMARKS else added_tasks.in_namespace(name)
    return [each.id for each in added] or [entry.id for entry in benchmarks.imported(name)]


def count_tests(task_id: str) -> int:
    """Return how many tests a task has."""
    found = known(task_id)
    return found.tests if isinstance(found, benchmarks.Entry) else len(found.tests)


def known(task_id: str) -> Known:
    """Return what is known of a task, or the task itself where it is quick to load."""
    return benchmarks.entry(task_id) if benchmarks.benchmark_of(task_id) is not None else load_task(task_id)
