"""Gymnasium environments.

- :class:`CodingEnv`: write a function, read feedback, repair it.
- :class:`UnicodeText`: the space of its observations and actions.
- :func:`register_tasks`: makes tasks available to ``gym.make``.
"""

from deepgym_env.envs.coding import CodingEnv
from deepgym_env.envs.registration import register_tasks
from deepgym_env.envs.spaces import UnicodeText

__all__ = ["CodingEnv", "UnicodeText", "register_tasks"]
