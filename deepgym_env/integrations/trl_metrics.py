"""What TRL's logs are told of a batch.

- :data:`RewardFn`: what TRL takes for a reward function.
- :class:`Outcome`: what one completion, or one episode, came to.
- :func:`log_outcomes`: the batch's metrics, and a column for the table of completions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, get_args

from deepgym_env.result import RunStatus

__all__ = ["Outcome", "RewardFn", "log_outcomes"]

RewardFn = Callable[..., list[float | None]]
LogMetric = Callable[[str, float], None]
LogExtra = Callable[[str, list[Any]], None]
_STATUSES: tuple[str, ...] = get_args(RunStatus)


class Outcome(NamedTuple):
    """What one completion, or one episode, came to.

    Attributes:
        status: A :data:`~deepgym_env.result.RunStatus`.
        score: Mean over the tests, 0..1; None without a verdict.
    """

    status: str
    score: float | None


def log_outcomes(
    outcomes: Sequence[Outcome | None], log_metric: LogMetric | None = None, log_extra: LogExtra | None = None
) -> None:
    """Log a batch's pass rate among what was judged, the share without a verdict, and that of each status.

    TRL averages a metric over the batches that logged it, so each batch logs every status there is; only a
    batch nothing of which was judged has no pass rate.

    Args:
        outcomes: One per completion; None for one that is no business of ours.
        log_metric: TRL's; None to log no metric.
        log_extra: TRL's; None to log no column.
    """
    if log_extra is not None:
        log_extra("status", [outcome and outcome.status for outcome in outcomes])
    ours = [outcome for outcome in outcomes if outcome is not None]
    if log_metric is None or not ours:
        return
    judged = [outcome for outcome in ours if outcome.score is not None]
    if judged:
        log_metric("deepgym/pass_rate", sum(outcome.status == "passed" for outcome in judged) / len(judged))
    log_metric("deepgym/no_verdict", 1 - len(judged) / len(ours))
    for status in _STATUSES:
        log_metric(f"deepgym/{status}", sum(outcome.status == status for outcome in ours) / len(ours))
