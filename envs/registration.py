"""Makes tasks available to ``gym.make`` and ``gym.make_vec``."""

from __future__ import annotations

from collections.abc import Iterable

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

__all__ = ["NAMESPACE", "register_tasks"]

NAMESPACE = "DeepGym"
_ENTRY_POINT = "deepgym_env.envs.coding:CodingEnv"


def register_tasks(task_ids: Iterable[str]) -> None:
    """Register each id as ``DeepGym/<id>``; reads no task and starts nothing.

    Writes specs to the registry directly: ``gymnasium.register`` compares each new id with all
    others, which takes half a second for 2,500 ids. The environment checkers expect a scalar
    reward, so they are off.
    """
    for task_id in task_ids:
        spec = EnvSpec(
            id=f"{NAMESPACE}/{task_id}",
            entry_point=_ENTRY_POINT,
            disable_env_checker=True,
            kwargs={"task": task_id},
        )
        gym.registry[spec.id] = spec
