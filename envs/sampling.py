"""Which task comes next, where an environment has several.

- :class:`TaskSampler`: by weight, or by how often the tasks have been solved lately.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deepgym_env.errors import ConfigError

__all__ = ["TaskSampler"]

_WINDOW = 32


class TaskSampler:
    """Draws task ids.

    Adaptive sampling prefers tasks whose recent success rate ``p`` is near 1/2, where a group of
    rollouts has both outcomes and so an advantage to learn from (the reason behind the dynamic
    sampling of DAPO, Yu et al. 2025): a task's weight is multiplied by ``4 p (1 - p)``, with ``p``
    smoothed by one success and one failure, and never falls below ``floor``.

    Example:
        >>> sampler = TaskSampler(["easy", "hard"], adaptive=True)
        >>> for _ in range(30):
        ...     sampler.note("easy", solved=True)
        >>> bool(sampler.probabilities[0] < sampler.probabilities[1])
        True
    """

    def __init__(
        self,
        tasks: Sequence[str],
        weights: Sequence[float] | None = None,
        *,
        adaptive: bool = False,
        floor: float = 0.05,
        window: int = _WINDOW,
    ) -> None:
        """Draw from ``tasks``.

        Args:
            tasks: Their ids.
            weights: One per task; by default all alike.
            adaptive: Prefer tasks that are sometimes solved and sometimes not.
            floor: The least factor that adaptive sampling gives a task, 0..1.
            window: Episodes of a task that count as recent.

        Raises:
            ConfigError: If there is no task, or an option can't work.
        """
        if not tasks or len(set(tasks)) != len(tasks):
            raise ConfigError(f"tasks must be one or more different ids, got {list(tasks)!r}")
        given = [1.0] * len(tasks) if weights is None else [float(weight) for weight in weights]
        if len(given) != len(tasks) or min(given) < 0 or not sum(given) > 0:
            raise ConfigError(f"weights must be {len(tasks)} numbers, none negative, not all 0; got {weights!r}")
        if not 0 <= floor <= 1 or window < 1:
            raise ConfigError(f"floor must be in 0..1 and window at least 1, got {floor!r} and {window!r}")
        self.tasks = tuple(tasks)
        self.adaptive = adaptive
        self._weights = np.array(given)
        self._floor = floor
        self._recent: dict[str, deque[bool]] = {task: deque(maxlen=window) for task in tasks}

    @property
    def probabilities(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """How likely each task is to come next: float64 of shape ``(n_tasks,)``, sum 1."""
        weights = self._weights
        if self.adaptive:
            rates = np.array([(sum(seen) + 1) / (len(seen) + 2) for seen in self._recent.values()])
            weights = weights * np.maximum(4 * rates * (1 - rates), self._floor)
            if not weights.sum() > 0:  # a floor of 0 and nothing but certainty
                weights = self._weights
        return np.asarray(weights / weights.sum())

    def draw(self, rng: np.random.Generator) -> str:
        """Return the id of the next task."""
        return self.tasks[int(rng.choice(len(self.tasks), p=self.probabilities))]

    def note(self, task: str, solved: bool) -> None:
        """Note how an episode of a task ended."""
        self._recent[task].append(bool(solved))

    def state_dict(self) -> dict[str, Any]:
        """Return what it has learnt, as JSON takes it."""
        return {"recent": {task: [int(solved) for solved in seen] for task, seen in self._recent.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what another sampler has learnt; of tasks it doesn't have it learns nothing."""
        for task, outcomes in state["recent"].items():
            if task in self._recent:
                self._recent[task].clear()
                self._recent[task].extend(map(bool, outcomes))
