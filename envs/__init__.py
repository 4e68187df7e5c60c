"""Gymnasium environments.

- :class:`CodingEnv`: one task (:func:`tools_of` it); :class:`CodingVectorEnv`: many of it at once.
- :class:`MixtureEnv`, :class:`MixtureVectorEnv`: several tasks; :class:`TaskSampler` chooses.
- :class:`RepairEnv`, :class:`ConstructEnv`: actions are numbers that make programs (:class:`ProgramEnv`).
- :class:`UnicodeText`: the space of observations and actions.
- :func:`register`, :func:`register_folder`, :func:`register_tasks`: make tasks available to ``gym.make``.
"""

from deepgym_env.envs.coding import CodingEnv, tools_of
from deepgym_env.envs.construct import ConstructEnv
from deepgym_env.envs.mixture import MixtureEnv
from deepgym_env.envs.program_env import ProgramEnv
from deepgym_env.envs.registration import register, register_folder, register_tasks
from deepgym_env.envs.repair import RepairEnv
from deepgym_env.envs.sampling import TaskSampler
from deepgym_env.envs.spaces import UnicodeText
from deepgym_env.envs.vector import CodingVectorEnv, MixtureVectorEnv

__all__ = [
    "CodingEnv",
    "CodingVectorEnv",
    "ConstructEnv",
    "MixtureEnv",
    "MixtureVectorEnv",
    "ProgramEnv",
    "RepairEnv",
    "TaskSampler",
    "UnicodeText",
    "register",
    "register_folder",
    "register_tasks",
    "tools_of",
]
