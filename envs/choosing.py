"""Which tasks a mixture is of.

- :func:`choose_tasks`: the tasks that fit; a benchmark's are chosen by its index, none is loaded.
- :func:`count_tests`: how many tests a task has.
"""

from __future__ import annotations

from collections.abc import Sequence

from deepgym_env import benchmarks
from deepgym_env.catalog import load_task, task_ids
from deepgym_env.errors import ConfigError
from deepgym_env.task import AnyTask, Difficulty

__all__ = ["choose_tasks", "count_tests"]


def choose_tasks(
    tasks: Sequence[str] | None,
    difficulty: Difficulty | None = None,
    tags: Sequence[str] = (),
    benchmark: str | None = None,
    split: str | None = None,
) -> tuple[str, ...]:
    """Return the ids of the tasks that fit.

    Args:
        tasks: Choose among these; by default among all of ``benchmark``, else all built-in ones.
        difficulty: Only tasks of that difficulty.
        tags: Only tasks with all of these.
        benchmark: An imported benchmark, by its name or as its ids begin.
        split: Only tasks of that split of their benchmark.

    Raises:
        ConfigError: If none does.
    """
    if tasks is not None and benchmark is not None:
        raise ConfigError("a mixture is of tasks or of a benchmark, not both")
    if benchmark is not None:
        ids: Sequence[str] = [entry.id for entry in benchmarks.imported(benchmark)]
    else:
        ids = [task.removeprefix("DeepGym/") for task in (task_ids() if tasks is None else tasks)]
    wanted = {*tags, *([split] if split else [])}
    if difficulty or wanted:
        ids = [name for name in ids if _fits(_known(name), difficulty, wanted)]
    if not ids:
        raise ConfigError(f"no task is {difficulty or 'of any difficulty'} with the tags {sorted(wanted)}")
    return tuple(ids)


def count_tests(task_id: str) -> int:
    """Return how many tests a task has."""
    known = _known(task_id)
    return known.tests if isinstance(known, benchmarks.Entry) else len(known.tests)


def _known(task_id: str) -> benchmarks.Entry | AnyTask:
    """Return what is known of a task, or the task itself where it is quick to load."""
    return benchmarks.entry(task_id) if benchmarks.benchmark_of(task_id) is not None else load_task(task_id)


def _fits(task: benchmarks.Entry | AnyTask, difficulty: Difficulty | None, tags: set[str]) -> bool:
    return difficulty in (None, task.difficulty) and tags <= set(task.tags)
