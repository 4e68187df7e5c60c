"""Which sub-environments of a vector environment act, end and begin in a step.

- :class:`Autoreset`: tells them apart under each of Gymnasium's autoreset modes.
- :func:`info_of`: one sub-environment's info out of a vector environment's.
- :func:`final_of`: the last observation and info of an episode that was reset in the same step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, VectorEnv

__all__ = ["Autoreset", "Mask", "final_of", "info_of"]

Mask = npt.NDArray[np.bool_]
_FINAL = ("final_obs", "final_info")


class Autoreset:
    """Follows the episodes of a vector environment.

    Example:
        >>> import gymnasium as gym
        >>> autoreset = Autoreset(gym.make_vec("CartPole-v1", num_envs=2, vectorization_mode="sync"))
        >>> acted, begun = autoreset.step(np.array([True, False]), np.array([False, False]))
        >>> acted, begun = autoreset.step(np.array([False, False]), np.array([False, False]))
        >>> acted.tolist(), begun.tolist()
        ([False, True], [True, False])
    """

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        """Follow ``env``; without a mode in its metadata it resets on the next step, as Gymnasium assumes."""
        mode = AutoresetMode(env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP))
        self.next_step = mode == AutoresetMode.NEXT_STEP
        self.same_step = mode == AutoresetMode.SAME_STEP
        self._over: Mask = np.zeros(env.num_envs, dtype=np.bool_)

    def chosen(self, options: dict[str, Any] | None) -> Mask:
        """Return which episodes a reset begins; ask before it, for Gymnasium takes the mask out of ``options``."""
        return np.array((options or {}).get("reset_mask", np.ones_like(self._over)))

    def reset(self, begun: Mask) -> None:
        """Take note of a reset."""
        self._over = self._over & ~begun

    def step(self, terminations: Mask, truncations: Mask) -> tuple[Mask, Mask]:
        """Return who acted, and whose next episode begins with the observation that came back."""
        before, self._over = self._over, np.logical_or(terminations, truncations)
        if self.next_step:
            return ~before, before
        return np.ones_like(before), self._over if self.same_step else np.zeros_like(before)


class _Everyone:
    """The mask of a key that came without one."""

    def __getitem__(self, index: int) -> bool:
        return True


_EVERYONE = _Everyone()


def info_of(infos: dict[str, Any], index: int) -> dict[str, Any]:
    """Return one sub-environment's info, without what ended its previous episode.

    Example:
        >>> info_of({"turn": np.array([0, 3]), "_turn": np.array([False, True])}, 1)
        {'turn': np.int64(3)}
    """
    return {
        key: info_of(value, index) if isinstance(value, dict) else value[index]
        for key, value in infos.items()
        if not key.startswith("_") and key not in _FINAL and infos.get(f"_{key}", _EVERYONE)[index]
    }


def final_of(infos: dict[str, Any], index: int) -> tuple[Any, dict[str, Any]]:
    """Return the last observation and info of an episode whose sub-environment was reset in this step."""
    return infos["final_obs"][index], info_of(infos["final_info"], index)
