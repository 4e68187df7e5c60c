"""Finds tasks by id: built-in ones, those of imported benchmarks, and those that were added.

- :func:`task_ids`: ids of the built-in tasks; reads directory names only.
- :func:`load_task`: a built-in task, one of an imported benchmark, or one that was added, by id.
- :func:`is_known`: whether an id is one; :func:`draws_tests`: whether its tests depend on the seed.
- :func:`gym_id`: what ``gym.make`` calls a task.
- :func:`folder_of`: the folder a task is from.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from deepgym_env import added_tasks, benchmarks
from deepgym_env.errors import TaskError, UnknownTaskError
from deepgym_env.folders import load_task_folder
from deepgym_env.plugins import Added
from deepgym_env.task import AnyTask, SubmissionTask, WorkspaceTask

__all__ = ["draws_tests", "folder_of", "gym_id", "is_known", "load_task", "task_ids"]

_SCENARIOS = Path(__file__).parent / "scenarios"


Kind = Literal["function", "workspace"]
_MADE_OF: dict[Kind, str] = {"function": "cases.py", "workspace": "check.py"}


@functools.cache
def task_ids(kind: Kind | None = None) -> tuple[str, ...]:
    """Return the ids of the built-in tasks, sorted: of one kind, or all.

    Args:
        kind: ``function`` (write a function) or ``workspace`` (many turns in a workspace).
    """
    files = [_MADE_OF[kind]] if kind else list(_MADE_OF.values())
    return tuple(sorted(path.parent.name for file in files for path in _SCENARIOS.glob(f"*/{file}")))


def load_task(task_id: str, seed: int = 0) -> AnyTask:
    """Load a task by id: a built-in one, one of a benchmark that was imported, or one that was added.

    Args:
        task_id: Its id, with or without the ``DeepGym/`` namespace; ``HumanEval/0`` for a benchmark's,
            ``mypackage/task`` for another package's.
        seed: Draws the seeded random tests; a benchmark's tests are what they are.

    Raises:
        UnknownTaskError: If there is no such task.
        TaskError: If its folder, or the benchmark's file, is broken.
    """
    if benchmarks.benchmark_of(task_id) is not None:
        return benchmarks.load(task_id)
    name = task_id.removeprefix("DeepGym/")
    if name in task_ids():
        return _load_builtin(name, seed)
    added = added_tasks.find(name)
    if added is None:
        known = (*task_ids(), *(each.id.rpartition("/")[2] for each in added_tasks.cheap()))
        environment = f"it is an environment: gym.make('DeepGym/{name}')" if name in added_tasks.ENVIRONMENTS else None
        raise UnknownTaskError(task_id, known, environment)
    return _load_added(added, seed)


@functools.lru_cache(maxsize=256)
def _load_builtin(name: str, seed: int) -> AnyTask:
    return load_task_folder(_SCENARIOS / name, seed)


def _load_added(added: Added, seed: int) -> AnyTask:
    """Load a task from elsewhere; a folder anew where its files have changed."""
    stamp = None
    if added.folder is not None:
        files = sorted(path for path in added.folder.rglob("*") if "__pycache__" not in path.parts)
        stamp = tuple((str(path), path.stat().st_mtime_ns) for path in files)
    return _loaded(added.id, added.folder, added.make, stamp, seed if added.drawn else 0)


@functools.lru_cache(maxsize=256)
def _loaded(
    task_id: str, folder: Path | None, make: Callable[[int], AnyTask] | None, stamp: object, seed: int
) -> AnyTask:
    try:
        task = load_task_folder(folder, seed) if folder is not None else make(seed) if make is not None else None
    except TaskError:
        raise
    except (Exception, SystemExit) as error:
        raise TaskError(f"{task_id}: {type(error).__name__}: {error}") from error
    if not isinstance(task, SubmissionTask | WorkspaceTask):
        raise TaskError(f"{task_id}: a task was wanted, got {task!r}")
    return task if task.id == task_id else task.model_copy(update={"id": task_id})


def is_known(task_id: str) -> bool:
    """Return whether an id is a built-in task's, one of an imported benchmark's namespace, or was added."""
    name = task_id.removeprefix("DeepGym/")
    if benchmarks.benchmark_of(task_id) is not None or name in task_ids():
        return True
    return name.partition("/")[0] in added_tasks.namespaces() or added_tasks.is_here(name)


def folder_of(task_id: str) -> Path | None:
    """Return the folder of a task; None if it is from none, or unknown."""
    name = task_id.removeprefix("DeepGym/")
    if benchmarks.benchmark_of(task_id) is not None:
        return None
    if name in task_ids():
        return _SCENARIOS / name
    added = added_tasks.find(name)
    return added.folder if added is not None else None


def draws_tests(task_id: str) -> bool:
    """Return whether another seed gives a task other tests, so far as is known without loading it."""
    name = task_id.removeprefix("DeepGym/")
    if benchmarks.benchmark_of(task_id) is not None:
        return False
    added = None if name in task_ids() else added_tasks.find(name)
    return added is None or added.drawn


def gym_id(task_id: str) -> str:
    """Return what ``gym.make`` calls a task: ``DeepGym/fizzbuzz``, ``HumanEval/0``."""
    return task_id if "/" in task_id else f"DeepGym/{task_id}"
