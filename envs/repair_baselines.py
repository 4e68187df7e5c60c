"""What an agent that repairs programs should beat.

- :class:`RandomEdits`: any edit.
- :class:`GreedyEdits`: keeps what does no harm, takes back what does.
- :func:`solved_rate`: how often programs are repaired.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deepgym_env.envs.repair import RepairEnv
from deepgym_env.errors import SandboxError

__all__ = ["Choose", "GreedyEdits", "RandomEdits", "solved_rate"]

Choose = Callable[[RepairEnv], int]


class RandomEdits:
    """Makes any edit that changes the program; never submits.

    Example:
        >>> env = RepairEnv(programs=["max_subarray"], faults=1)
        >>> 0 <= solved_rate(RandomEdits(), env, episodes=4) <= 1
        True
        >>> env.close()
    """

    def __init__(self, seed: int = 0) -> None:
        """Draw with a seed."""
        self._rng = np.random.default_rng(seed)

    def __call__(self, env: RepairEnv) -> int:
        """Return an edit."""
        return int(self._rng.choice(np.flatnonzero(env.action_masks()[:-1])))


class GreedyEdits:
    """Climbs: makes edits it has not tried, in random order; takes one back, as its next step, if the score fell."""

    def __init__(self, seed: int = 0) -> None:
        """Draw with a seed."""
        self._rng = np.random.default_rng(seed)
        self._best = 0.0
        self._undo: int | None = None  # the edit that takes the last one back

    def __call__(self, env: RepairEnv) -> int:
        """Return an edit."""
        if env.turn == 0:
            self._best, self._undo = env.score, None
        undo, self._undo = self._undo, None
        if undo is not None and env.score < self._best:
            return undo
        self._best = env.score
        possible = np.flatnonzero(env.action_masks()[:-1])
        fresh = [edit for edit in possible if not env.tried(int(edit))]
        edit = int(self._rng.choice(fresh or possible))
        self._undo = env.inverse(edit)
        return edit


def solved_rate(choose: Choose, env: RepairEnv, *, episodes: int = 100, seed: int = 10_000) -> float:
    """Return the share of episodes that end with a program that passes every test, of those that have a verdict.

    Args:
        choose: Returns the next action.
        env: The environment; it is left open.
        episodes: How many, begun with ``seed, seed + 1, ...``.
        seed: The first one's.

    Raises:
        SandboxError: If none has one.
    """
    solved: list[bool] = []
    for number in range(episodes):
        _, info = env.reset(seed=seed + number)
        over = False
        while not over:
            _, _, terminated, truncated, info = env.step(choose(env))
            over = terminated or truncated
        if info["has_verdict"]:
            solved.append(info["passed"])
    if not solved:
        raise SandboxError("no episode had a verdict: `deepgym doctor` tells why")
    return sum(solved) / len(solved)
