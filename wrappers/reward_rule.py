"""What an episode's rewards become: the part all reward wrappers share.

A rule sees one episode: how it begins, then each step. The same rule serves one environment and,
once per sub-environment, a vector of them, so that the two can't drift apart.

- :class:`Step`: what an environment returned for a step.
- :class:`RewardRule`: the base of the rules.
- :class:`ValueRule`: rewards the change of a value of the state, so that rewards telescope.
- :class:`RewardRuleWrapper`, :class:`VectorRewardRuleWrapper`: apply a rule.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box
from gymnasium.vector import VectorEnv, VectorWrapper
from gymnasium.vector.utils import iterate

from deepgym_env.errors import ConfigError
from deepgym_env.wrappers.autoreset import Autoreset, Mask, final_of, info_of
from deepgym_env.wrappers.branching import BranchingWrapper

__all__ = ["RewardRule", "RewardRuleWrapper", "Step", "ValueRule", "VectorRewardRuleWrapper"]

# A score short of 1 by no more than the rounding of float32 rewards counts as passed.
_PASSED = 1.0 - 1e-4


class Step(NamedTuple):
    """What an environment returned for a step."""

    observation: Any
    reward: Any
    terminated: bool
    truncated: bool
    info: dict[str, Any]


class RewardRule(ABC):
    """Turns the rewards of one episode after another into others.

    A shallow copy is a snapshot of it: attributes are replaced, never changed in place.
    """

    def begin(self, observation: Any, info: dict[str, Any]) -> None:  # noqa: B027 - many rules keep nothing
        """Take note of a new episode's first observation and info."""

    @abstractmethod
    def reward(self, step: Step) -> float:
        """Return the reward of a step."""


class ValueRule(RewardRule):
    """Rewards the change of :meth:`value`: an episode's rewards add up to the value of its last state."""

    def __init__(self, tests: int) -> None:
        """Begin with no test passed."""
        self.scores: npt.NDArray[np.float64] = np.zeros(tests)
        self._own = tests
        self._value = 0.0

    def begin(self, observation: Any, info: dict[str, Any]) -> None:
        """Forget the previous episode.

        Where tasks differ in their number of tests, the reward vector of one with fewer ends in
        padding, which ``info["tests"]`` leaves out and the score must too.
        """
        self.scores = np.zeros_like(self.scores)
        self._own = len(info.get("tests", self.scores))
        self._value = 0.0

    def reward(self, step: Step) -> float:
        """Return how much the step changed the value."""
        self.add(step.reward)
        before, self._value = self._value, self.value(step.info)
        return self._value - before

    def add(self, reward: Any) -> None:
        """Add a reward vector: the sum of all is the score by test of the state reached."""
        if np.shape(reward) != self.scores.shape:
            raise ConfigError(f"expected a reward vector of shape {self.scores.shape}, got shape {np.shape(reward)}")
        self.scores = self.scores + reward

    def passed(self) -> bool:
        """Return whether every test passes."""
        return bool((self.scores[: self._own] > _PASSED).all())

    def correctness(self, how: str) -> float:
        """Return the scores as one number: their ``mean``, or 1 once ``all`` tests pass."""
        return float(self.passed()) if how == "all" else float(self.scores[: self._own].mean())

    @abstractmethod
    def value(self, info: dict[str, Any]) -> float:
        """Return what the state is worth; 0 where no test passes."""


class RewardRuleWrapper(BranchingWrapper):
    """Applies a rule to an environment; rewards become ``float``."""

    def __init__(self, env: gym.Env[Any, Any], rule: RewardRule) -> None:
        """Wrap ``env``."""
        super().__init__(env)
        self.reward_space = _number_space()
        self._rule = rule

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Reset the environment; the rule begins anew."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._rule.begin(observation, info)
        return observation, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Step, with the rule's reward."""
        step = Step(*self.env.step(action))
        return step.observation, self._rule.reward(step), step.terminated, step.truncated, step.info

    def _memory(self) -> RewardRule:
        return copy.copy(self._rule)

    def _remember(self, memory: RewardRule) -> None:
        self._rule = copy.copy(memory)


class VectorRewardRuleWrapper(VectorWrapper):
    """Applies a rule to each sub-environment, under any autoreset mode; rewards become ``(num_envs,)``."""

    def __init__(self, env: VectorEnv[Any, Any, Any], make_rule: Callable[[], RewardRule]) -> None:
        """Wrap ``env``, with one rule per sub-environment."""
        super().__init__(env)
        self.reward_space = _number_space()
        self._autoreset = Autoreset(env)
        self._rules = [make_rule() for _ in range(env.num_envs)]

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Reset all sub-environments, or those of ``options["reset_mask"]``; their rules begin anew."""
        begun = self._autoreset.chosen(options)
        observations, infos = self.env.reset(seed=seed, options=options)
        self._autoreset.reset(begun)
        self._begin(begun, self._split(observations), infos)
        return observations, infos

    def step(self, actions: Any) -> tuple[Any, npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], dict[str, Any]]:
        """Step, with the rules' rewards; a step that only resets a sub-environment has reward 0."""
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        acted, begun = self._autoreset.step(terminations, truncations)
        each = self._split(observations)
        shaped = np.zeros(self.num_envs)
        for i in np.flatnonzero(acted).tolist():
            final = begun[i] and self._autoreset.same_step
            observation, info = final_of(infos, i) if final else (each[i], info_of(infos, i))
            step = Step(observation, rewards[i], bool(terminations[i]), bool(truncations[i]), info)
            shaped[i] = self._rules[i].reward(step)
        self._begin(begun, each, infos)
        return observations, shaped, terminations, truncations, infos

    def _begin(self, which: Mask, observations: list[Any], infos: dict[str, Any]) -> None:
        for i in np.flatnonzero(which).tolist():
            self._rules[i].begin(observations[i], info_of(infos, i))

    def _split(self, observations: Any) -> list[Any]:
        return list(iterate(self.env.observation_space, observations))


def _number_space() -> Box:
    return Box(-math.inf, math.inf, (), np.float64)
