"""Reward for progress that leaves the best policy the best.

- :class:`PotentialShaping`, :class:`VectorPotentialShaping`
- :data:`POTENTIALS`: potentials known by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import gymnasium as gym
from gymnasium.vector import VectorEnv

from deepgym_env.errors import ConfigError
from deepgym_env.wrappers.requirements import as_number, finite, one_of, require_scalar
from deepgym_env.wrappers.reward_rule import RewardRule, RewardRuleWrapper, Step, VectorRewardRuleWrapper

__all__ = ["POTENTIALS", "Potential", "PotentialShaping", "VectorPotentialShaping"]

Potential = Callable[[dict[str, Any], Any], float]


class PotentialShaping(RewardRuleWrapper, gym.utils.RecordConstructorArgs):
    r"""Adds :math:`\gamma\Phi(s') - \Phi(s)` to the reward of each step (Ng, Harada & Russell, 1999).

    Whatever the potential, no policy becomes better or worse than another by it: over an episode
    the terms cancel but for :math:`-\Phi(s_0)`. For that, a state in which the episode terminated
    has potential 0. A truncated episode would have gone on, so its last state keeps its potential:
    what a learner that bootstraps from there needs. One that adds up rewards without bootstrapping
    should see no truncation, or it is paid for the potential it stopped at.

    Example:
        >>> import deepgym_env
        >>> from deepgym_env.wrappers import ScalarReward
        >>> env = PotentialShaping(ScalarReward(gym.make("DeepGym/fizzbuzz"), how="all"), "score", gamma=1.0)
        >>> _ = env.reset(seed=0)
        >>> progress = env.step("def fizzbuzz(n): return []")[1]
        >>> 0 < progress < 0.2
        True
        >>> round(progress + env.step(env.unwrapped.task.reference)[1], 6)
        1.0
        >>> env.close()
    """

    def __init__(self, env: gym.Env[Any, Any], potential: str | Potential = "score", gamma: float = 0.99) -> None:
        """Wrap ``env``.

        Args:
            env: An environment whose reward is one number.
            potential: The name of one of :data:`POTENTIALS` (``score``, the share of tests passed;
                ``public_score``, that of public tests), or a function of info and observation.
                Only with a name can the spec be written as JSON.
            gamma: The learner's discount, 0..1: with another one the best policy may change.

        Raises:
            ConfigError: If an argument is out of range, or the reward is a vector.
        """
        rule = partial(_Shaping, "PotentialShaping", potential, gamma)
        gym.utils.RecordConstructorArgs.__init__(self, _disable_deepcopy=True, potential=potential, gamma=gamma)
        require_scalar(env, "PotentialShaping")
        super().__init__(env, rule())


class VectorPotentialShaping(VectorRewardRuleWrapper, gym.utils.RecordConstructorArgs):
    """:class:`PotentialShaping` for a vector environment.

    Example:
        >>> envs = gym.make_vec("CartPole-v1", num_envs=2, vectorization_mode="sync")
        >>> velocity = lambda info, observation: observation[1]
        >>> envs = VectorPotentialShaping(envs, velocity, gamma=0.99)
        >>> _ = envs.reset(seed=0)
        >>> envs.step([0, 1])[1].round(1).tolist()
        [0.8, 1.2]
        >>> envs.close()
    """

    def __init__(
        self, env: VectorEnv[Any, Any, Any], potential: str | Potential = "score", gamma: float = 0.99
    ) -> None:
        """Wrap ``env``; the arguments are :class:`PotentialShaping`'s."""
        rule = partial(_Shaping, "VectorPotentialShaping", potential, gamma)
        gym.utils.RecordConstructorArgs.__init__(self, _disable_deepcopy=True, potential=potential, gamma=gamma)
        require_scalar(env, "VectorPotentialShaping")
        super().__init__(env, rule)


class _Shaping(RewardRule):
    def __init__(self, wrapper: str, potential: str | Potential, gamma: float) -> None:
        if not callable(potential):
            one_of("potential", potential, tuple(POTENTIALS))
        self._wrapper = wrapper
        self._potential = potential if callable(potential) else POTENTIALS[potential]
        self._gamma = finite("gamma", gamma, least=0.0)
        if self._gamma > 1.0:
            raise ConfigError(f"gamma must be a discount, 0..1, got {gamma!r}")
        self._here = 0.0

    def begin(self, observation: Any, info: dict[str, Any]) -> None:
        self._here = self._of(info, observation)

    def reward(self, step: Step) -> float:
        left = self._here
        self._here = 0.0 if step.terminated else self._of(step.info, step.observation)
        return as_number(step.reward, self._wrapper) + self._gamma * self._here - left

    def _of(self, info: dict[str, Any], observation: Any) -> float:
        try:
            return finite("a potential", self._potential(info, observation))
        except KeyError as error:
            raise ConfigError(f"the potential needs info[{error}], which the environment doesn't give") from error


def _score(info: dict[str, Any], observation: Any) -> float:
    return float(info["score"])


def _public_score(info: dict[str, Any], observation: Any) -> float:
    scores = [test["score"] for test in info["tests"] if test["public"]]
    return sum(scores) / len(scores) if scores else 0.0


POTENTIALS: Mapping[str, Potential] = MappingProxyType({"score": _score, "public_score": _public_score})
"""Potentials by name."""
