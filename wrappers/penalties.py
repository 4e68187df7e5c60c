"""Costs of steps.

- :class:`TurnPenalty`, :class:`VectorTurnPenalty`: every step costs something.
- :class:`FormatPenalty`, :class:`VectorFormatPenalty`: a step whose action couldn't be read costs something.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import gymnasium as gym
from gymnasium.vector import VectorEnv

from deepgym_env.errors import ConfigError
from deepgym_env.wrappers.requirements import as_number, finite, require_scalar
from deepgym_env.wrappers.reward_rule import RewardRule, RewardRuleWrapper, Step, VectorRewardRuleWrapper

__all__ = ["FormatPenalty", "TurnPenalty", "VectorFormatPenalty", "VectorTurnPenalty"]


class TurnPenalty(RewardRuleWrapper, gym.utils.RecordConstructorArgs):
    """Subtracts a fixed cost from the reward of every step, so that of two solutions the shorter earns more.

    Keep ``cost`` times the number of turns well below the reward of solving, or giving up pays.

    Example:
        >>> import deepgym_env
        >>> from deepgym_env.wrappers import ScalarReward
        >>> env = TurnPenalty(ScalarReward(gym.make("DeepGym/fizzbuzz")), cost=0.125)
        >>> _ = env.reset(seed=0)
        >>> [env.step(text)[1] for text in ("no idea", env.unwrapped.task.reference)]
        [-0.125, 0.875]
        >>> env.close()
    """

    def __init__(self, env: gym.Env[Any, Any], cost: float = 0.01) -> None:
        """Wrap ``env``.

        Args:
            env: An environment whose reward is one number.
            cost: What a step costs; 0 or more.

        Raises:
            ConfigError: If ``cost`` is out of range, or the reward is a vector.
        """
        cost = finite("cost", cost, least=0.0)
        require_scalar(env, "TurnPenalty")
        gym.utils.RecordConstructorArgs.__init__(self, cost=cost)
        super().__init__(env, _PerTurn("TurnPenalty", cost))


class VectorTurnPenalty(VectorRewardRuleWrapper, gym.utils.RecordConstructorArgs):
    """:class:`TurnPenalty` for a vector environment.

    Example:
        >>> envs = VectorTurnPenalty(gym.make_vec("CartPole-v1", num_envs=2, vectorization_mode="sync"), cost=0.125)
        >>> _ = envs.reset(seed=0)
        >>> envs.step([0, 1])[1].tolist()
        [0.875, 0.875]
        >>> envs.close()
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], cost: float = 0.01) -> None:
        """Wrap ``env``; the argument is :class:`TurnPenalty`'s."""
        cost = finite("cost", cost, least=0.0)
        require_scalar(env, "VectorTurnPenalty")
        gym.utils.RecordConstructorArgs.__init__(self, cost=cost)
        super().__init__(env, partial(_PerTurn, "VectorTurnPenalty", cost))


class FormatPenalty(RewardRuleWrapper, gym.utils.RecordConstructorArgs):
    """Subtracts a cost from the reward of each step with ``info["action_valid"]`` False.

    Example:
        >>> import deepgym_env
        >>> from deepgym_env.wrappers import ScalarReward
        >>> env = FormatPenalty(ScalarReward(gym.make("DeepGym/fizzbuzz")), cost=0.125)
        >>> _ = env.reset(seed=0)
        >>> [env.step(text)[1] for text in ("", env.unwrapped.task.reference)]
        [-0.125, 1.0]
        >>> env.close()
    """

    def __init__(self, env: gym.Env[Any, Any], cost: float = 0.1) -> None:
        """Wrap ``env``.

        Args:
            env: An environment whose reward is one number, that gives ``info["action_valid"]``.
            cost: What a step with an unreadable action costs; 0 or more.

        Raises:
            ConfigError: If ``cost`` is out of range, or the reward is a vector.
        """
        cost = finite("cost", cost, least=0.0)
        require_scalar(env, "FormatPenalty")
        gym.utils.RecordConstructorArgs.__init__(self, cost=cost)
        super().__init__(env, _PerInvalidAction("FormatPenalty", cost))


class VectorFormatPenalty(VectorRewardRuleWrapper, gym.utils.RecordConstructorArgs):
    """:class:`FormatPenalty` for a vector environment.

    Example:
        >>> import deepgym_env
        >>> from mo_gymnasium.wrappers.vector import MOSyncVectorEnv
        >>> from deepgym_env.wrappers import VectorScalarReward
        >>> envs = VectorScalarReward(MOSyncVectorEnv([lambda: gym.make("DeepGym/fizzbuzz")] * 2))
        >>> envs = VectorFormatPenalty(envs, cost=0.125)
        >>> _ = envs.reset(seed=0)
        >>> envs.step(["", envs.unwrapped.envs[1].unwrapped.task.reference])[1].tolist()
        [-0.125, 1.0]
        >>> envs.close()
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], cost: float = 0.1) -> None:
        """Wrap ``env``; the argument is :class:`FormatPenalty`'s."""
        cost = finite("cost", cost, least=0.0)
        require_scalar(env, "VectorFormatPenalty")
        gym.utils.RecordConstructorArgs.__init__(self, cost=cost)
        super().__init__(env, partial(_PerInvalidAction, "VectorFormatPenalty", cost))


class _PerTurn(RewardRule):
    def __init__(self, wrapper: str, cost: float) -> None:
        self._wrapper = wrapper
        self._cost = cost

    def reward(self, step: Step) -> float:
        return as_number(step.reward, self._wrapper) - self._cost


class _PerInvalidAction(_PerTurn):
    def reward(self, step: Step) -> float:
        if "action_valid" not in step.info:
            raise ConfigError(f"{self._wrapper} needs info['action_valid'], which the environment doesn't give")
        return as_number(step.reward, self._wrapper) - (0.0 if step.info["action_valid"] else self._cost)
