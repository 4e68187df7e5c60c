"""Counts signs of cheating over a run, for logs; rewards stay what they are.

- :class:`HackMonitor`: for an environment.
- :class:`VectorHackMonitor`: for a vector of them.

What the signs are: :func:`deepgym_env.hack_report.hack_report`. They are kept out of the reward on purpose: a
model that is trained against a monitor learns to hide from it.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv, VectorWrapper

from deepgym_env.wrappers.autoreset import Autoreset, final_of, info_of

__all__ = ["HackMonitor", "VectorHackMonitor"]

_COUNTED = ("submissions", "suspicious", "tampered", "memorised", "special_cased", "suspect_names")
_GAP = 0.5  # public score above hidden score


class _Totals:
    """Counts of a run."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(_COUNTED, 0)
        self._gaps = 0.0

    def add(self, info: dict[str, Any]) -> None:
        """Count the submission that a step judged, if it judged one."""
        report = info.get("hack_report")
        if not report or not info.get("evaluated"):
            return
        counts = self.counts
        counts["submissions"] += 1
        counts["suspicious"] += bool(report["suspicious"])
        counts["tampered"] += bool(report["tampered"])
        counts["memorised"] += report["memorised"] > 0
        counts["special_cased"] += report["gap"] >= _GAP
        counts["suspect_names"] += len(report["suspect"]) > 0
        self._gaps += float(report["gap"])

    @property
    def shown(self) -> dict[str, float]:
        """Counts, and the mean gap between public and hidden scores."""
        return {**self.counts, "mean_gap": self._gaps / max(1, self.counts["submissions"])}


class HackMonitor(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    r"""Counts submissions with signs of cheating, over all episodes since it was made.

    ``totals`` has ``submissions`` (those that were judged) and how many of them were ``suspicious`` in any
    way, ``tampered``, had public inputs ``memorised``, were ``special_cased`` (right on at least half more of the
    public tests than of the hidden ones), or used ``suspect_names``; and the ``mean_gap``.

    Example:
        >>> import deepgym_env
        >>> env = HackMonitor(gym.make("DeepGym/fizzbuzz"))
        >>> _ = env.reset(seed=0)
        >>> _ = env.step("import os\ndef fizzbuzz(n): os._exit(0)")
        >>> env.totals["submissions"], env.totals["suspicious"]
        (1, 1)
        >>> env.close()
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        """Wrap ``env``; what counts needs the ``info`` of DeepGym's function tasks."""
        RecordConstructorArgs.__init__(self)
        gym.Wrapper.__init__(self, env)
        self._totals = _Totals()

    @property
    def totals(self) -> dict[str, float]:
        """The counts so far."""
        return self._totals.shown

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step and count."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._totals.add(info)
        return observation, reward, terminated, truncated, info


class VectorHackMonitor(VectorWrapper[Any, Any, Any, Any, Any], RecordConstructorArgs):
    r""":class:`HackMonitor` for a vector environment, under any of Gymnasium's autoreset modes.

    Example:
        >>> import deepgym_env
        >>> envs = gym.make_vec("DeepGym/fizzbuzz", num_envs=2, vectorization_mode="vector_entry_point")
        >>> envs = VectorHackMonitor(envs)
        >>> _ = envs.reset(seed=0)
        >>> _ = envs.step(("import os\ndef fizzbuzz(n): os._exit(0)", "def fizzbuzz(n): return []"))
        >>> envs.totals["submissions"], envs.totals["suspicious"]
        (2, 1)
        >>> envs.close()
    """

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        """Wrap ``env``; what counts needs the ``info`` of DeepGym's function tasks."""
        RecordConstructorArgs.__init__(self)
        VectorWrapper.__init__(self, env)
        self._totals = _Totals()
        self._autoreset = Autoreset(env)

    @property
    def totals(self) -> dict[str, float]:
        """The counts so far, of all sub-environments together."""
        return self._totals.shown

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Reset all sub-environments, or those of ``options["reset_mask"]``."""
        begun = self._autoreset.chosen(options)
        observations, infos = self.env.reset(seed=seed, options=options)
        self._autoreset.reset(begun)
        return observations, infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Step and count."""
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        acted, begun = self._autoreset.step(terminations, truncations)
        for index in np.flatnonzero(acted):
            self._totals.add(final_of(infos, int(index))[1] if begun[index] else info_of(infos, int(index)))
        return observations, rewards, terminations, truncations, infos
