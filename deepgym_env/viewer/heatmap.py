"""Tests and turns as a table: what each test came to after each turn.

- :func:`heat_map`: the turns of an episode to a :class:`HeatMap` of :class:`Row` and :class:`Cell`.
- :class:`Status`, :func:`status_of`: how a status is shown, never by its colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deepgym_env.episodes import Turn
from deepgym_env.viewer.summary import finite

__all__ = ["STATUSES", "Cell", "HeatMap", "Row", "Status", "heat_map", "status_of"]

_ONE_BY_ONE = 40  # tests: of more, those with the same history share a row
_MOST_ROWS = 400


@dataclass(frozen=True, slots=True)
class Status:
    """How a status is shown.

    Attributes:
        name: In words.
        sign: One character.
        style: Its class in the style sheet.
    """

    name: str
    sign: str
    style: str


STATUSES = {
    "passed": Status("passed", "✓", "passed"),
    "wrong_answer": Status("wrong answer", "✗", "wrong"),
    "exception": Status("exception", "E", "raised"),
    "timeout": Status("timeout", "T", "limit"),
    "memory_limit": Status("memory limit", "M", "limit"),
    "output_limit": Status("output limit", "O", "limit"),
    "crashed": Status("crashed", "C", "crashed"),
    "forbidden": Status("forbidden", "F", "foul"),
    "tampered": Status("tampered", "!", "foul"),
    "not_run": Status("not run", "·", "none"),
    "no_code": Status("no code", "·", "none"),
    "syntax_error": Status("syntax error", "S", "raised"),
    "infrastructure_error": Status("no verdict", "?", "lost"),
}


def status_of(name: str) -> Status:
    """Return how a status is shown; logs may hold others than ours."""
    return STATUSES.get(name) or Status(name.replace("_", " "), "*", "other")


@dataclass(frozen=True, slots=True)
class Cell:
    """A test after a turn.

    Attributes:
        status: What it came to.
        score: Its score.
        fresh: Whether this turn judged it; else it is as it was before.
        change: 1 if it was gained in this turn, -1 if it was lost, else 0.
    """

    status: Status
    score: float | None
    fresh: bool
    change: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A test, or several that fared alike.

    Attributes:
        names: Their ids.
        public: Whether the agent may see them.
        cells: One per turn.
    """

    names: tuple[str, ...]
    public: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Tests by turns.

    Attributes:
        rows: The tests, public ones first.
        turns: How many turns there are.
        legend: The statuses that occur.
        left_out: Rows that are not shown.
    """

    rows: tuple[Row, ...]
    turns: int
    legend: tuple[Status, ...]
    left_out: int = 0


def heat_map(turns: Sequence[Turn]) -> HeatMap:
    """Return the tests of an episode by its turns; without rows if it has no tests."""
    names = list(dict.fromkeys((test["id"], test["public"]) for turn in turns for test in turn.info.get("tests", ())))
    told = [{test["id"]: test for test in turn.info.get("tests", ())} for turn in turns]
    histories = {name: _history([tests.get(name[0]) for tests in told], turns) for name in names}
    rows = [Row((name,), public, histories[name, public]) for name, public in names]
    if len(rows) > _ONE_BY_ONE:
        rows = _grouped(rows)
    rows.sort(key=lambda row: not row.public)
    legend = dict.fromkeys(cell.status for row in rows for cell in row.cells)
    return HeatMap(tuple(rows[:_MOST_ROWS]), len(turns), tuple(legend), max(0, len(rows) - _MOST_ROWS))


def _history(tests: Sequence[dict[str, Any] | None], turns: Sequence[Turn]) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    before = 0.0
    for test, turn in zip(tests, turns, strict=True):
        if not turn.has_verdict:
            cells.append(Cell(STATUSES["infrastructure_error"], None, True))
            continue
        score = finite(test["score"]) if test else None
        fresh = turn.info.get("evaluated") is True
        change = 0 if score is None else (score > before) - (score < before)
        cells.append(Cell(status_of(test["status"] if test else "not_run"), score, fresh, change))
        before = before if score is None else score
    return tuple(cells)


def _grouped(rows: list[Row]) -> list[Row]:
    groups: dict[tuple[bool, tuple[Cell, ...]], list[str]] = {}
    for row in rows:
        groups.setdefault((row.public, row.cells), []).extend(row.names)
    return [Row(tuple(names), public, cells) for (public, cells), names in groups.items()]
