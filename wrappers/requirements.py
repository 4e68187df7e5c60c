"""What wrappers require of the environments and arguments they are given.

- :func:`n_tests`, :func:`require_vector`: a reward per test.
- :func:`require_scalar`, :func:`as_number`: a reward that is one number.
- :func:`finite`, :func:`one_of`: arguments in range.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv, VectorWrapper

from deepgym_env.errors import ConfigError

__all__ = ["as_number", "finite", "n_tests", "one_of", "require_scalar", "require_vector"]

AnyEnv = gym.Env[Any, Any] | VectorEnv[Any, Any, Any]

# Wrappers that pass rewards on. Any other may have changed their shape, which the first step then tells.
_PASSING = ("gymnasium.wrappers.common", "gymnasium.wrappers.vector.common", "deepgym_env.wrappers")


def n_tests(env: AnyEnv, wrapper: str) -> int:
    """Return the number of tests, from the reward space of the innermost environment.

    Raises:
        ConfigError: If it has none.
    """
    space = getattr(env.unwrapped, "reward_space", None)
    if space is None or len(space.shape) != 1:
        raise ConfigError(
            f"{wrapper} needs an environment with a reward per test and the reward_space that says so, "
            f"as DeepGym's and MO-Gymnasium's have; {env} has {space}"
        )
    return int(space.shape[0])


def require_vector(env: AnyEnv, wrapper: str) -> int:
    """Return the length of the reward vector.

    Raises:
        ConfigError: If rewards are no vectors.
    """
    tests = n_tests(env, wrapper)
    if _reward_shape(env) == ():
        raise ConfigError(
            f"{wrapper} needs a reward vector, but the rewards of {env} are numbers already: "
            f"apply {wrapper} in place of the wrapper that made them so"
        )
    return tests


def require_scalar(env: AnyEnv, wrapper: str) -> None:
    """Refuse a reward vector.

    Raises:
        ConfigError: If the rewards of ``env`` are vectors.
    """
    if _reward_shape(env) not in ((), None):
        raise ConfigError(_needs_number(wrapper, str(env)))


def as_number(reward: Any, wrapper: str) -> float:
    """Return a reward as a ``float``.

    Raises:
        ConfigError: If it is a vector, which a wrapper not known here hid from :func:`require_scalar`.
    """
    if np.ndim(reward):
        raise ConfigError(_needs_number(wrapper, "the environment"))
    return float(reward)


def finite(name: str, value: Any, *, least: float = -math.inf) -> float:
    """Return ``value`` as a ``float``.

    Raises:
        ConfigError: If it is no finite number of at least ``least``.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number >= least):
        bound = "" if least == -math.inf else f" of at least {least:g}"
        raise ConfigError(f"{name} must be a finite number{bound}, got {value!r}")
    return number


def one_of(name: str, value: Any, choices: Sequence[str]) -> None:
    """Check that ``value`` is one of the ``choices``.

    Raises:
        ConfigError: If it isn't.
    """
    if not isinstance(value, str) or value not in choices:
        raise ConfigError(f"{name} must be {' or '.join(map(repr, choices))}, got {value!r}")


def _reward_shape(env: AnyEnv) -> tuple[int, ...] | None:
    """Return the shape of a reward, or None where a wrapper that may have changed it is in the way."""
    layer: Any = env
    while isinstance(layer, gym.Wrapper | VectorWrapper) and "reward_space" not in vars(layer):
        if not type(layer).__module__.startswith(_PASSING):
            return None
        layer = layer.env
    space = getattr(layer, "reward_space", None)
    return () if space is None else tuple(space.shape)


def _needs_number(wrapper: str, env: str) -> str:
    vector = "Vector" if wrapper.startswith("Vector") else ""
    return (
        f"{wrapper} needs a reward that is one number, but {env} gives one per test: "
        f"wrap in ScalarReward first, {wrapper}({vector}ScalarReward(env), ...)"
    )
