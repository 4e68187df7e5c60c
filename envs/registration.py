"""Makes tasks available to ``gym.make`` and ``gym.make_vec``.

- :func:`register`: a task of your own; :func:`register_folder`: a folder of task folders.
- :func:`register_tasks`: ids that are there already; :func:`register_mixture`: the environment of several tasks;
  :func:`register_program_envs`: those whose actions are numbers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

from deepgym_env.added_tasks import ENVIRONMENTS, NAMESPACE, describe, keep
from deepgym_env.benchmarks import benchmark_of
from deepgym_env.catalog import gym_id, task_ids
from deepgym_env.errors import TaskError
from deepgym_env.plugins import in_folder
from deepgym_env.task import AnyTask

__all__ = ["NAMESPACE", "register", "register_folder", "register_mixture", "register_program_envs", "register_tasks"]

_PROGRAM_ENVS = {"repair": "deepgym_env.envs.repair:RepairEnv", "construct": "deepgym_env.envs.construct:ConstructEnv"}
_ENV, _VECTOR = "deepgym_env.envs.coding:CodingEnv", "deepgym_env.envs.vector:CodingVectorEnv"
_MIXTURE, _MIXTURE_VECTOR = "deepgym_env.envs.mixture:MixtureEnv", "deepgym_env.envs.vector:MixtureVectorEnv"


def register(task: AnyTask | str | os.PathLike[str] | Callable[[int], AnyTask], id: str | None = None) -> str:
    """Make a task of your own available by id in this process, as a built-in one is.

    Registering another task under the same id replaces it.

    Args:
        task: A task, the path of a task folder, or a function that makes a task of a seed, so that
            ``fresh_tests`` has something to draw.
        id: Its id, also ``namespace/name``; by default the task's, or the folder's or function's name.

    Returns:
        What ``gym.make`` calls it: ``DeepGym/name`` where the id has no namespace.

    Raises:
        TaskError: If it is no task, or the id is a built-in task's, a benchmark's or an environment's.

    Example:
        >>> from deepgym_env import Task
        >>> def double(x):
        ...     "Return twice x."
        ...     return 2 * x
        >>> register(Task.from_function(double, [1, 2, 3]), "examples/double")
        'examples/double'
        >>> gym.make("examples/double").unwrapped.task.entry_point
        'double'
    """
    added = describe(task, id)
    if added.id in ENVIRONMENTS:
        raise TaskError(f"{added.id!r} is the name of an environment of DeepGym's: register it under another")
    if added.id in task_ids() or benchmark_of(added.id) is not None:
        raise TaskError(f"{added.id!r} is the id of a built-in task or a benchmark's: register it under another")
    keep(added)
    register_tasks([added.id])
    return gym_id(added.id)


def register_folder(folder: str | os.PathLike[str], namespace: str | None = None) -> list[str]:
    """Register every task folder in a folder; none is loaded yet.

    Args:
        folder: The folder.
        namespace: What their ids begin with; by default ``DeepGym``.

    Returns:
        What ``gym.make`` calls them.

    Raises:
        TaskError: If there is none in it, or one has the name of a built-in task or an environment.
    """
    found = in_folder(Path(folder).resolve())
    if not found:
        raise TaskError(f"{os.fspath(folder)!r} holds no task folders: each has a task.toml (`deepgym new` makes one)")
    prefix = f"{namespace}/" if namespace else ""
    return [register(str(each.folder), f"{prefix}{each.id}") for each in found]


def register_tasks(task_ids: Iterable[str]) -> None:
    """Register each id as ``DeepGym/<id>``, a benchmark's as it is; reads no task and starts nothing.

    Writes specs to the registry directly: ``gymnasium.register`` compares each new id with all
    others, which takes half a second for 2,500 ids. The environment checkers expect a scalar
    reward, so they are off.
    """
    for task_id in task_ids:
        _register(gym_id(task_id), _ENV, _VECTOR, {"task": task_id})


def register_mixture() -> None:
    """Register ``DeepGym/mixture``, the environment of several tasks."""
    _register(f"{NAMESPACE}/mixture", _MIXTURE, _MIXTURE_VECTOR, {})


def register_program_envs() -> None:
    """Register ``DeepGym/repair`` and ``DeepGym/construct``; their rewards are scalars, as the checkers expect."""
    for name, entry_point in _PROGRAM_ENVS.items():
        gym.registry[f"{NAMESPACE}/{name}"] = EnvSpec(id=f"{NAMESPACE}/{name}", entry_point=entry_point)


def _register(name: str, entry_point: str, vector_entry_point: str, kwargs: dict[str, str]) -> None:
    spec = EnvSpec(
        id=name,
        entry_point=entry_point,
        vector_entry_point=vector_entry_point,
        disable_env_checker=True,
        kwargs=kwargs,
    )
    gym.registry[spec.id] = spec
