"""Two episodes side by side.

- :func:`compare`: two episodes to a :class:`Comparison`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from deepgym_env.episodes import Episode
from deepgym_env.viewer.calls import logged_tools, read_action
from deepgym_env.viewer.charts import Chart, chart
from deepgym_env.viewer.diffs import diff
from deepgym_env.viewer.files import Files
from deepgym_env.viewer.heatmap import Status, status_of
from deepgym_env.viewer.pages import EpisodePage, FileView, TurnView, observed

__all__ = ["Comparison", "TestPair", "compare"]

_Two = tuple[Status | None, Status | None]


@dataclass(frozen=True, slots=True)
class TestPair:
    """A test in the last state of both."""

    name: str
    public: bool
    statuses: _Two

    @property
    def differs(self) -> bool:
        """Whether the two fared differently."""
        return self.statuses[0] != self.statuses[1]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two episodes.

    Attributes:
        tests: Every test of either.
        files: What the two made of each file, from the first's to the second's.
        turns: The turns of both, in pairs.
        curve: Both scores.
        differ: How many tests fared differently.
    """

    tests: tuple[TestPair, ...]
    files: tuple[FileView, ...]
    turns: tuple[tuple[TurnView | None, TurnView | None], ...]
    curve: Chart
    differ: int


def compare(one: Episode, other: Episode, pages: tuple[EpisodePage, EpisodePage]) -> Comparison:
    """Compare two episodes.

    Args:
        one: The first.
        other: The second.
        pages: Both as their pages show them.
    """
    tests = tuple(_tests(one, other))
    scores = [[turn.credit.score for turn in page.turns] for page in pages]
    most = max(map(len, scores))
    padded = [[*each, *[None] * (most - len(each))] for each in scores]
    names = [f"{name} · {page.summary.id}" for name, page in zip("AB", pages, strict=True)]
    labels = [str(number) for number in range(1, most + 1)]
    return Comparison(
        tests=tests,
        files=tuple(_files(one, other)),
        turns=tuple(zip_longest(pages[0].turns, pages[1].turns)),
        curve=chart(dict(zip(names, padded, strict=True)), labels, height=170),
        differ=sum(test.differs for test in tests),
    )


def _tests(one: Episode, other: Episode) -> Iterator[TestPair]:
    first, second = ({test["id"]: test for test in episode.turns[-1].info.get("tests", ())} for episode in (one, other))
    for name in dict.fromkeys([*first, *second]):
        found = first.get(name), second.get(name)
        statuses = tuple(status_of(test["status"]) if test else None for test in found)
        public = any(test["public"] for test in found if test)
        yield TestPair(name, public, (statuses[0], statuses[1]))


def _files(one: Episode, other: Episode) -> Iterator[FileView]:
    first, second = _last(one), _last(other)
    for path in dict.fromkeys([*first, *second]):
        notes = [f"only {name} has written it" for name, held in (("A", second), ("B", first)) if path not in held]
        yield FileView(path, diff(first.get(path, ""), second.get(path, "")), "; ".join(notes))


def _last(episode: Episode) -> dict[str, str]:
    files, tools = Files(), logged_tools(episode.tools)
    for turn in episode.turns:
        files.take(read_action(turn, tools), observed(turn.observation))
    return files.written
