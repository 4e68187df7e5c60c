"""The per-test reward vector as one number, for trainers that take only that.

- :class:`ScalarReward`, :class:`VectorScalarReward`
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv

from deepgym_env.errors import ConfigError
from deepgym_env.judge.floor import floor_of
from deepgym_env.task import SubmissionTask, WorkspaceTask
from deepgym_env.wrappers.requirements import finite, one_of, require_vector
from deepgym_env.wrappers.reward_rule import RewardRuleWrapper, ValueRule, VectorRewardRuleWrapper

__all__ = ["ScalarReward", "VectorScalarReward"]

How = Literal["mean", "all", "weighted"]


class ScalarReward(RewardRuleWrapper, gym.utils.RecordConstructorArgs):
    """Turns the reward vector into a ``float`` that telescopes as the vector does.

    ``mean`` rewards each test alike, ``all`` only the step after which every test passes (and
    takes it back if that is undone), ``weighted`` weighs the tests. With ``subtract_floor`` the mean counts
    from the task's floor on, what the best constant answer scores: that much is worth 0, all tests 1.

    Example:
        >>> import deepgym_env
        >>> env = ScalarReward(gym.make("DeepGym/fizzbuzz"), how="mean")
        >>> _ = env.reset(seed=0)
        >>> env.step("def fizzbuzz(n): return []")[1] < 0.2
        True
        >>> env.close()
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        how: How = "mean",
        weights: Sequence[float] | None = None,
        subtract_floor: bool = False,
    ) -> None:
        """Wrap ``env``.

        Args:
            env: An environment with a reward vector.
            how: ``mean``, ``all`` or ``weighted``.
            weights: One weight per test, for ``weighted``; used as they are.
            subtract_floor: Let the mean count from :func:`~deepgym_env.judge.floor.floor_of` the task on.

        Raises:
            ConfigError: If ``how`` is unknown, the weights don't fit the tests, or the floor can't be
                subtracted.
        """
        tests = require_vector(env, "ScalarReward")
        weights = _checked(tests, how, weights)
        floor = _floor(how, env.unwrapped) if subtract_floor else None
        gym.utils.RecordConstructorArgs.__init__(self, how=how, weights=weights, subtract_floor=subtract_floor)
        super().__init__(env, _Scalar(tests, how, weights, floor))


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
        self,
        env: VectorEnv[Any, Any, Any],
        how: How = "mean",
        weights: Sequence[float] | None = None,
        subtract_floor: bool = False,
    ) -> None:
        """Wrap ``env``; the arguments are :class:`ScalarReward`'s."""
        tests = require_vector(env, "VectorScalarReward")
        weights = _checked(tests, how, weights)
        members = iter(getattr(env.unwrapped, "envs", ())) if subtract_floor else itertools.repeat(None)
        if subtract_floor and not hasattr(env.unwrapped, "envs"):
            raise ConfigError("subtract_floor needs environments in this process: use CodingVectorEnv")

        def rule() -> _Scalar:
            member = next(members)
            return _Scalar(tests, how, weights, None if member is None else _floor(how, member.unwrapped))

        gym.utils.RecordConstructorArgs.__init__(self, how=how, weights=weights, subtract_floor=subtract_floor)
        super().__init__(env, rule)


class _Scalar(ValueRule):
    def __init__(self, tests: int, how: How, weights: list[float] | None, floor: Callable[[], float] | None) -> None:
        super().__init__(tests)
        self._how = how
        self._weights = None if weights is None else np.array(weights)
        self._ask_floor = floor
        self._floor = 0.0

    def begin(self, observation: Any, info: dict[str, Any]) -> None:
        super().begin(observation, info)
        if self._ask_floor is not None:  # another task may have another one
            self._floor = self._ask_floor()

    def value(self, info: dict[str, Any]) -> float:
        value = self.correctness(self._how) if self._weights is None else float(self.scores @ self._weights)
        if self._ask_floor is None:
            return value
        return max(0.0, (value - self._floor) / (1 - self._floor)) if self._floor < 1 else 0.0


def _floor(how: How, env: Any) -> Callable[[], float]:
    """Return what tells the floor of the task an environment has at the moment.

    Raises:
        ConfigError: If the environment has no task, or the reward isn't the mean.
    """
    if how != "mean":
        raise ConfigError(f"subtract_floor goes with how='mean', got how={how!r}: the floor is a mean over the tests")
    if not isinstance(getattr(env, "task", None), SubmissionTask | WorkspaceTask):
        raise ConfigError(f"subtract_floor needs one of DeepGym's environments, got {env}")
    return partial(_task_floor, env)


def _task_floor(env: Any) -> float:
    return floor_of(env.task) if isinstance(env.task, SubmissionTask) else 0.0  # no constant solves a workspace task


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
