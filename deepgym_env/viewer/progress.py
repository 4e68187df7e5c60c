"""A run over time: what share passed, of which task, and what went wrong.

- :func:`progress`: summaries to :class:`Progress`, in spans of equal numbers of episodes.
- :class:`Share`: some episodes counted; :class:`TaskProgress`: one task's.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from deepgym_env.viewer.charts import Chart, chart
from deepgym_env.viewer.summary import Summary

__all__ = ["Progress", "Share", "TaskProgress", "progress"]

_SPANS = 12
_MOST_TASKS = 200
_LISTED = 12


@dataclass(frozen=True, slots=True)
class Share:
    """Some episodes, counted. Rates leave out what has no verdict or was cut off.

    Attributes:
        episodes: How many there are.
        judged: How many count in a rate.
        passed: How many of those passed.
        no_verdict: How many have no verdict.
        suspicious: How many show signs of cheating.
        mean_score: Over those that count; None if none does.
        mean_turns: Over all; None if there are none.
    """

    episodes: int
    judged: int
    passed: int
    no_verdict: int
    suspicious: int
    mean_score: float | None
    mean_turns: float | None

    @classmethod
    def of(cls, episodes: Sequence[Summary]) -> Share:
        """Count some episodes."""
        judged = [each for each in episodes if each.judged]
        scores = [each.score for each in judged if each.score is not None]
        return cls(
            episodes=len(episodes),
            judged=len(judged),
            passed=sum(each.outcome == "passed" for each in judged),
            no_verdict=sum(each.outcome == "no_verdict" for each in episodes),
            suspicious=sum(bool(each.signs) for each in episodes),
            mean_score=fmean(scores) if scores else None,
            mean_turns=fmean(each.turns for each in episodes) if episodes else None,
        )

    @property
    def pass_rate(self) -> float | None:
        """Share that passed, of those that count; None if none does."""
        return self.passed / self.judged if self.judged else None

    def part(self, count: int) -> float | None:
        """Return a count as a share of all; None if there are none."""
        return count / self.episodes if self.episodes else None


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """A task over time.

    Attributes:
        task: The task.
        whole: All of it.
        spans: It in each span.
    """

    task: str
    whole: Share
    spans: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """A run.

    Attributes:
        whole: All of it.
        labels: Which episodes each span holds, counted from 1.
        spans: All tasks, span by span.
        chart: The shares over time.
        tasks: Each task, by name.
        tasks_left_out: How many more there are.
        signs: How many episodes show each kind of sign of cheating.
        suspects: The latest episodes with signs.
        lost: The latest without a verdict.
        began: When the first began.
        ended: When the last ended.
    """

    whole: Share
    labels: tuple[str, ...]
    spans: tuple[Share, ...]
    chart: Chart
    tasks: tuple[TaskProgress, ...]
    tasks_left_out: int
    signs: tuple[tuple[str, int], ...]
    suspects: tuple[Summary, ...]
    lost: tuple[Summary, ...]
    began: float | None
    ended: float | None


def progress(episodes: Sequence[Summary]) -> Progress:
    """Return a run over time.

    Args:
        episodes: In the order they began.
    """
    edges = _edges(len(episodes))
    labels = tuple(f"{start + 1}–{end}" if end > start + 1 else str(end) for start, end in edges)
    spans = tuple(Share.of(episodes[start:end]) for start, end in edges)
    tasks = _tasks(episodes, edges)
    begun = [each.began for each in episodes if each.began is not None]
    ended = [each.began + (each.seconds or 0.0) for each in episodes if each.began is not None]
    return Progress(
        whole=Share.of(episodes),
        labels=labels,
        spans=spans,
        chart=_chart(labels, spans),
        tasks=tuple(tasks[:_MOST_TASKS]),
        tasks_left_out=max(0, len(tasks) - _MOST_TASKS),
        signs=tuple(Counter(sign for each in episodes for sign in each.signs).most_common()),
        suspects=tuple([each for each in episodes if each.signs][: -_LISTED - 1 : -1]),
        lost=tuple([each for each in episodes if each.outcome == "no_verdict"][: -_LISTED - 1 : -1]),
        began=min(begun, default=None),
        ended=max(ended, default=None),
    )


def _edges(count: int) -> list[tuple[int, int]]:
    spans = min(_SPANS, count)
    return [(count * index // spans, count * (index + 1) // spans) for index in range(spans)]


def _chart(labels: Sequence[str], spans: Sequence[Share]) -> Chart:
    series = {
        "passed": [span.pass_rate for span in spans],
        "mean score": [span.mean_score for span in spans],
        "no verdict": [span.part(span.no_verdict) for span in spans],
        "signs of cheating": [span.part(span.suspicious) for span in spans],
    }
    return chart(series, labels, width=1290, height=250)


def _tasks(episodes: Sequence[Summary], edges: Sequence[tuple[int, int]]) -> list[TaskProgress]:
    spans: defaultdict[str, list[list[Summary]]] = defaultdict(lambda: [[] for _ in edges])
    for number, (start, end) in enumerate(edges):
        for each in episodes[start:end]:
            spans[each.task][number].append(each)
    return [
        TaskProgress(task, Share.of([each for span in parts for each in span]), tuple(map(Share.of, parts)))
        for task, parts in sorted(spans.items())
    ]
