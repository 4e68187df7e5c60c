"""No reward until the episode ends, for trainers that credit whole episodes.

- :class:`SparseReward`, :class:`VectorSparseReward`
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import gymnasium as gym
from gymnasium.vector import VectorEnv

from deepgym_env.wrappers.requirements import one_of, require_vector
from deepgym_env.wrappers.reward_rule import RewardRuleWrapper, Step, ValueRule, VectorRewardRuleWrapper

__all__ = ["SparseReward", "VectorSparseReward"]

How = Literal["all", "mean"]


class SparseReward(RewardRuleWrapper, gym.utils.RecordConstructorArgs):
    """Rewards the last step of an episode, with the score of the state it leaves; all others with 0.

    The return is that of :class:`~deepgym_env.wrappers.ScalarReward`; only its place is another.
    An episode that is cut off is rewarded as well, by the state it was in.

    Example:
        >>> import deepgym_env
        >>> env = SparseReward(gym.make("DeepGym/fizzbuzz", max_turns=2), how="mean")
        >>> _ = env.reset(seed=0)
        >>> [env.step("def fizzbuzz(n): return []")[1] > 0 for _ in range(2)]
        [False, True]
        >>> env.close()
    """

    def __init__(self, env: gym.Env[Any, Any], how: How = "all") -> None:
        """Wrap ``env``.

        Args:
            env: An environment with a reward vector.
            how: ``all``, 1 if every test passes and else 0; or ``mean``, the share of tests passed.

        Raises:
            ConfigError: If ``how`` is unknown, or rewards are no vectors.
        """
        one_of("how", how, ("all", "mean"))
        gym.utils.RecordConstructorArgs.__init__(self, how=how)
        super().__init__(env, _Sparse(require_vector(env, "SparseReward"), how))


class VectorSparseReward(VectorRewardRuleWrapper, gym.utils.RecordConstructorArgs):
    """:class:`SparseReward` for a vector environment: rewards become ``(num_envs,)``.

    Example:
        >>> import deepgym_env
        >>> from mo_gymnasium.wrappers.vector import MOSyncVectorEnv
        >>> envs = VectorSparseReward(MOSyncVectorEnv([lambda: gym.make("DeepGym/fizzbuzz")] * 2))
        >>> _ = envs.reset(seed=0)
        >>> envs.step(["no idea", envs.env.envs[1].unwrapped.task.reference])[1].tolist()
        [0.0, 1.0]
        >>> envs.close()
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], how: How = "all") -> None:
        """Wrap ``env``; the argument is :class:`SparseReward`'s."""
        one_of("how", how, ("all", "mean"))
        gym.utils.RecordConstructorArgs.__init__(self, how=how)
        super().__init__(env, partial(_Sparse, require_vector(env, "VectorSparseReward"), how))


class _Sparse(ValueRule):
    def __init__(self, tests: int, how: How) -> None:
        super().__init__(tests)
        self._how = how

    def reward(self, step: Step) -> float:
        self.add(step.reward)
        return self.value(step.info) if step.terminated or step.truncated else 0.0

    def value(self, info: dict[str, Any]) -> float:
        return self.correctness(self._how)
