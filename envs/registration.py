"""Makes tasks available to ``gym.make`` and ``gym.make_vec``."""

from __future__ import annotations

from collections.abc import Iterable

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

from deepgym_env.catalog import gym_id

__all__ = ["NAMESPACE", "register_mixture", "register_tasks"]

NAMESPACE = "DeepGym"
_ENV, _VECTOR = "deepgym_env.envs.coding:CodingEnv", "deepgym_env.envs.vector:CodingVectorEnv"
_MIXTURE, _MIXTURE_VECTOR = "deepgym_env.envs.mixture:MixtureEnv", "deepgym_env.envs.vector:MixtureVectorEnv"


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


def _register(name: str, entry_point: str, vector_entry_point: str, kwargs: dict[str, str]) -> None:
    spec = EnvSpec(
        id=name,
        entry_point=entry_point,
        vector_entry_point=vector_entry_point,
        disable_env_checker=True,
        kwargs=kwargs,
    )
    gym.registry[spec.id] = spec
