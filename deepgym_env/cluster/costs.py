"""What submissions are expected to cost, from their tasks, and from what earlier ones cost.

- :func:`prior`: from a task alone; :class:`Costs`: learns.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from deepgym_env.task import SubmissionTask

__all__ = ["RUN_SECONDS", "Costs", "prior"]

RUN_SECONDS = 0.004  # a submission that does nothing: its process, its questions, its verdict
_USED = 0.002  # of the CPU time tests may take, what they take before anything is known
_REMEMBERED = 64  # results a mean is of
_TASKS = 1 << 16


def prior(task: SubmissionTask) -> float:
    """Return the seconds of CPU a submission is thought to take, before one was judged.

    Example:
        >>> from deepgym_env import load_task
        >>> prior(load_task("coin_change")) > prior(load_task("coin_change").model_copy(update={"tests": ()}))
        True
    """
    limits = getattr(task, "limits", None)
    allowed = len(task.tests) * (limits.cpu_seconds if limits is not None else 1.0)
    return float(RUN_SECONDS + _USED * allowed)


@dataclass(slots=True)
class _Mean:
    value: float = 0.0
    number: int = 0

    def add(self, value: float) -> None:
        self.number = min(self.number + 1, _REMEMBERED)
        self.value += (value - self.value) / self.number


class Costs:
    """Means of what the submissions of each task cost; of a new task, its prior on the scale of the others.

    Example:
        >>> costs = Costs()
        >>> costs.expected("a", 2.0)
        2.0
        >>> costs.learn("a", 2.0, 0.5)
        >>> costs.expected("a", 2.0), costs.expected("b", 8.0)
        (0.5, 2.0)
    """

    def __init__(self) -> None:
        """Know nothing."""
        self._means: OrderedDict[str, _Mean] = OrderedDict()
        self._scale = _Mean()

    def expected(self, task: str, prior: float) -> float:
        """Return the seconds of CPU a submission of a task is expected to take."""
        mean = self._means.get(task)
        if mean is not None:
            return mean.value
        return prior * (self._scale.value if self._scale.number else 1.0)

    def learn(self, task: str, prior: float, seconds: float) -> None:
        """Note what a submission of a task took."""
        self._means.setdefault(task, _Mean()).add(seconds)
        self._means.move_to_end(task)
        self._scale.add(seconds / prior)
        if len(self._means) > _TASKS:
            self._means.popitem(last=False)
