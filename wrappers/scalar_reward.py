"""The per-test reward vector as one number, for trainers that take only that.

- :class:`ScalarReward`, :class:`VectorScalarReward`
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv

from deepgym_env.errors import ConfigError
from deepgym_env.wrappers.requirements import finite, one_of, require_vector
from deepgym_env.wrappers.reward_rule import RewardRuleWrapper, ValueRule, VectorRewardRuleWrapper

__all__ = ["ScalarReward", "VectorScalarReward"]

How = Literal["mean", "all", "weighted"]


class ScalarReward(RewardRuleWrapper, gym.utils.RecordConstructorArgs):
    """Turns the reward vector into a ``float`` that telescopes as the vector does.

    ``mean`` rewards each test alike, ``all`` only the step after which every test passes (and
    takes it back if that is undone), ``weighted`` weighs the tests.

    Example:
        >>> import deepgym_env
        >>> env = ScalarReward(gym.make("DeepGym/fizzbuzz"), how="mean")
        >>> _ = env.reset(seed=0)
        >>> env.step("def fizzbuzz(n): return []")[1] < 0.2
        True
        >>> env.close()
    """

    def __init__(self, env: gym.Env[Any, Any], how: How = "mean", weights: Sequence[float] | None = None) -> None:
        """Wrap ``env``.

        Args:
            env: An environment with a reward vector.
            how: ``mean``, ``all`` or ``weighted``.
            weights: One weight per test, for ``weighted``; used as they are.

        Raises:
            ConfigError: If ``how`` is unknown, or the weights don't fit the tests.
        """
        tests = require_vector(env, "ScalarReward")
        weights = _checked(tests, how, weights)
        gym.utils.RecordConstructorArgs.__init__(self, how=how, weights=weights)
        super().__init__(env, _Scalar(tests, how, weights))


class VectorScalarReward(VectorRewardRuleWrapper, gym.utils.RecordConstructorArgs):
    """:class:`ScalarReward` for a vector environment: rewards become ``(num_envs,)``.

    Example:
        >>> import deepgym_env
        >>> from mo_gymnasium.wrappers.vector import MOSyncVectorEnv
        >>> envs = VectorScalarReward(MOSyncVectorEnv([lambda: gym.make("DeepGym/fizzbuzz")] * 2), how="all")
        >>> _ = envs.reset(seed=0)
        >>> envs.step(["no idea", envs.env.envs[1].unwrapped.task.reference])[1].tolist()
        [0.0, 1.0]
        >>> envs.close()
    """

    def __init__(
        self, env: VectorEnv[Any, Any, Any], how: How = "mean", weights: Sequence[float] | None = None
    ) -> None:
        """Wrap ``env``; the arguments are :class:`ScalarReward`'s."""
        tests = require_vector(env, "VectorScalarReward")
        weights = _checked(tests, how, weights)
        gym.utils.RecordConstructorArgs.__init__(self, how=how, weights=weights)
        super().__init__(env, partial(_Scalar, tests, how, weights))


class _Scalar(ValueRule):
    def __init__(self, tests: int, how: How, weights: list[float] | None) -> None:
        super().__init__(tests)
        self._how = how
        self._weights = None if weights is None else np.array(weights)

    def value(self, info: dict[str, Any]) -> float:
        return self.correctness(self._how) if self._weights is None else float(self.scores @ self._weights)


def _checked(tests: int, how: How, weights: Sequence[float] | None) -> list[float] | None:
    """Return the weights as JSON can hold them."""
    one_of("how", how, ("mean", "all", "weighted"))
    if (how == "weighted") != (weights is not None):
        raise ConfigError("weights and how='weighted' go together")
    if weights is None:
        return None
    if len(weights) != tests:
        raise ConfigError(f"weights must have one entry per test ({tests}), got {len(weights)}")
    return [finite(f"weights[{i}]", weight) for i, weight in enumerate(weights)]
