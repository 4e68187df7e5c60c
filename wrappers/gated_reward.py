"""Quality that counts only once the code is right.

- :class:`GatedReward`, :class:`VectorGatedReward`
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

import gymnasium as gym
from gymnasium.vector import VectorEnv

from deepgym_env.errors import ConfigError
from deepgym_env.wrappers.requirements import finite, one_of, require_vector
from deepgym_env.wrappers.reward_rule import RewardRuleWrapper, ValueRule, VectorRewardRuleWrapper

__all__ = ["GatedReward", "VectorGatedReward"]

How = Literal["all", "mean"]


class GatedReward(RewardRuleWrapper, gym.utils.RecordConstructorArgs):
    """Adds weighed ``info["reward_components"]`` to correctness, but only while every test passes.

    Fast or tidy code that is wrong earns nothing by it, so quality can't be traded for correctness
    (Posterior-GRPO, 2025). The reward of a step is the change of the gated value: the return is
    the gated value of the last state.

    Example:
        >>> import deepgym_env
        >>> env = GatedReward(gym.make("DeepGym/first_bad_version"), {"efficiency": 0.5})
        >>> _ = env.reset(seed=0)
        >>> env.step(env.unwrapped.task.reference)[1]
        1.5
        >>> env.close()
    """

    def __init__(self, env: gym.Env[Any, Any], weights: Mapping[str, float], how: How = "all") -> None:
        """Wrap ``env``.

        Args:
            env: An environment with a reward vector, that gives ``info["reward_components"]``.
            weights: What each component, such as ``efficiency``, adds at most. A component that a
                task doesn't measure counts 0, for the tasks of a mixture measure different ones.
            how: Correctness: ``all``, 1 once every test passes; or ``mean``, the share of tests passed.

        Raises:
            ConfigError: If an argument is out of range, or rewards are no vectors.
        """
        weights = _checked(weights, how)
        gym.utils.RecordConstructorArgs.__init__(self, weights=weights, how=how)
        super().__init__(env, _Gated(require_vector(env, "GatedReward"), weights, how))


class VectorGatedReward(VectorRewardRuleWrapper, gym.utils.RecordConstructorArgs):
    """:class:`GatedReward` for a vector environment: rewards become ``(num_envs,)``.

    Example:
        >>> import deepgym_env
        >>> from mo_gymnasium.wrappers.vector import MOSyncVectorEnv
        >>> envs = MOSyncVectorEnv([lambda: gym.make("DeepGym/first_bad_version")] * 2)
        >>> envs = VectorGatedReward(envs, {"efficiency": 0.5})
        >>> _ = envs.reset(seed=0)
        >>> envs.step(["no idea", envs.env.envs[1].unwrapped.task.reference])[1].tolist()
        [0.0, 1.5]
        >>> envs.close()
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], weights: Mapping[str, float], how: How = "all") -> None:
        """Wrap ``env``; the arguments are :class:`GatedReward`'s."""
        weights = _checked(weights, how)
        gym.utils.RecordConstructorArgs.__init__(self, weights=weights, how=how)
        super().__init__(env, partial(_Gated, require_vector(env, "VectorGatedReward"), weights, how))


class _Gated(ValueRule):
    def __init__(self, tests: int, weights: dict[str, float], how: How) -> None:
        super().__init__(tests)
        self._weights = weights
        self._how = how

    def value(self, info: dict[str, Any]) -> float:
        value = self.correctness(self._how)
        if self.passed():
            components = _components(info)
            value += sum(weight * float(components.get(name, 0.0)) for name, weight in self._weights.items())
        return value


def _components(info: dict[str, Any]) -> dict[str, Any]:
    try:
        components: dict[str, Any] = info["reward_components"]
    except KeyError:
        raise ConfigError("GatedReward needs info['reward_components'], which the environment doesn't give") from None
    return components


def _checked(weights: Mapping[str, float], how: How) -> dict[str, float]:
    """Return the weights as JSON can hold them."""
    one_of("how", how, ("all", "mean"))
    if not isinstance(weights, Mapping) or not weights:
        raise ConfigError(f"weights must map components to numbers, as {{'efficiency': 0.5}} does, got {weights!r}")
    if "correctness" in weights:
        raise ConfigError("weights must not hold 'correctness': it is what the others are added to")
    return {str(name): finite(f"weights[{name!r}]", weight) for name, weight in weights.items()}
