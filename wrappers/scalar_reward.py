"""The per-test reward vector as one number, for trainers that take only that.

- :class:`ScalarReward`
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, SupportsFloat

import gymnasium as gym
import numpy as np

from deepgym_env.errors import ConfigError

__all__ = ["ScalarReward"]


class ScalarReward(gym.Wrapper[str, str, str, str], gym.utils.RecordConstructorArgs):
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

    def __init__(
        self,
        env: gym.Env[str, str],
        how: Literal["mean", "all", "weighted"] = "mean",
        weights: Sequence[float] | None = None,
    ) -> None:
        """Wrap ``env``.

        Args:
            env: An environment with a reward vector.
            how: ``mean``, ``all`` or ``weighted``.
            weights: One weight per test, for ``weighted``; used as they are.

        Raises:
            ConfigError: If ``how`` is unknown, or the weights don't fit the tests.
        """
        gym.utils.RecordConstructorArgs.__init__(self, how=how, weights=weights)
        gym.Wrapper.__init__(self, env)
        n_tests = int(env.get_wrapper_attr("reward_space").shape[0])
        if how not in ("mean", "all", "weighted"):
            raise ConfigError(f"how must be 'mean', 'all' or 'weighted', got {how!r}")
        if (how == "weighted") != (weights is not None):
            raise ConfigError("weights and how='weighted' go together")
        if weights is not None and len(weights) != n_tests:
            raise ConfigError(f"weights must have one entry per test ({n_tests}), got {len(weights)}")
        self._how = how
        self._weights = np.full(n_tests, 1.0 / n_tests) if weights is None else np.array(weights, dtype=np.float64)
        self._vector = np.zeros(n_tests, dtype=np.float64)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Reset the environment and the sum."""
        self._vector[:] = 0.0
        return self.env.reset(seed=seed, options=options)

    def step(self, action: str) -> tuple[str, SupportsFloat, bool, bool, dict[str, Any]]:
        """Step, with the reward as a ``float``."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        before = self._value()
        self._vector += np.asarray(reward, dtype=np.float64)
        return observation, self._value() - before, terminated, truncated, info

    def _value(self) -> float:
        if self._how == "all":
            return float((self._vector > 0.999).all())
        return float(self._vector @ self._weights)
