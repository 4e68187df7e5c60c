"""Wrappers around DeepGym environments.

- :class:`ScalarReward`: the per-test reward vector as one number.
"""

from deepgym_env.wrappers.scalar_reward import ScalarReward

__all__ = ["ScalarReward"]
