"""Lines in numbers, for the SVG of the pages.

- :func:`chart`: series of values to a :class:`Chart` of :class:`Line`.
- :func:`sparkline`: one series, as small as a word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Chart", "Line", "Point", "chart", "sparkline"]

_LEFT, _RIGHT, _TOP, _BOTTOM = 38.0, 6.0, 10.0, 24.0
_INSET = 28.0  # from the frame to the first and last value: labels need room
_MOST_LABELS = 12
_MOST_POINTS = 400


@dataclass(frozen=True, slots=True)
class Point:
    """A value where it is drawn."""

    x: float
    y: float
    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Line:
    """A series.

    Attributes:
        name: What it shows.
        style: Its class in the style sheet.
        strokes: Runs of values without a gap, as SVG has the points of a polyline.
        points: Every value there is.
    """

    name: str
    style: str
    strokes: tuple[str, ...]
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines in a frame.

    Attributes:
        width: In SVG's units.
        height: The same.
        left: Where the frame begins.
        right: Where it ends.
        lines: The series.
        grid: Heights of the grid's lines, and what they stand for.
        labels: Places below, and what stands there.
    """

    width: float
    height: float
    left: float
    right: float
    lines: tuple[Line, ...]
    grid: tuple[tuple[float, str], ...]
    labels: tuple[tuple[float, str], ...]


def chart(
    series: Mapping[str, Sequence[float | None]],
    labels: Sequence[str],
    *,
    width: float = 560,
    height: float = 190,
    percent: bool = True,
) -> Chart:
    """Lay out lines over the same labels.

    Args:
        series: Values by name; None is a gap.
        labels: What stands below each value.
        width: Of the whole.
        height: The same.
        percent: Whether values are shares, shown from 0 to 100 %; else the frame fits them.
    """
    low, high = (0.0, 1.0) if percent else _range([value for values in series.values() for value in values])
    right, bottom = width - _RIGHT, height - _BOTTOM
    places = [_between(_LEFT + _INSET, right - _INSET, index, len(labels)) for index in range(len(labels))]

    def level(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return round(bottom - share * (bottom - _TOP), 2)

    lines = []
    for number, (name, values) in enumerate(series.items()):
        drawn = [
            None if value is None else Point(x, level(value), label, value)
            for x, value, label in zip(places, values, labels, strict=True)
        ]
        lines.append(Line(name, f"s{number}", _strokes(drawn), tuple(point for point in drawn if point)[:_MOST_POINTS]))
    ticks = [low, (low + high) / 2, high] if not percent else [0, 0.25, 0.5, 0.75, 1]
    grid = tuple((level(tick), f"{tick:.0%}" if percent else f"{tick:.3g}") for tick in ticks)
    step = max(1, -(-len(labels) // _MOST_LABELS))
    shown = tuple((places[index], labels[index]) for index in range(0, len(labels), step))
    return Chart(width, height, _LEFT, right, tuple(lines), grid, shown)


def sparkline(values: Sequence[float | None], width: float = 64, height: float = 16) -> tuple[str, ...]:
    """Return the strokes of shares from 0 to 1.

    Example:
        >>> sparkline([0.0, None, 1.0, 1.0])
        ('2.0,14.0', '42.0,2.0 62.0,2.0')
    """
    if len(values) > _MOST_POINTS:
        step = len(values) / _MOST_POINTS
        values = [values[int(index * step)] for index in range(_MOST_POINTS)]
    drawn = [
        None
        if value is None
        else Point(
            _between(2, width - 2, index, len(values)),
            round(height - 2 - min(max(value, 0.0), 1.0) * (height - 4), 2),
            "",
            value,
        )
        for index, value in enumerate(values)
    ]
    return _strokes(drawn)


def _between(start: float, end: float, index: int, count: int) -> float:
    return round((start + end) / 2 if count < 2 else start + (end - start) * index / (count - 1), 2)


def _range(values: Sequence[float | None]) -> tuple[float, float]:
    known = [value for value in values if value is not None] or [0.0]
    low, high = min(0.0, *known), max(0.0, *known)
    return (low, high) if 0.0 < high - low < 1e300 else (0.0, 1.0)


def _strokes(drawn: Sequence[Point | None]) -> tuple[str, ...]:
    strokes: list[list[str]] = [[]]
    for point in drawn:
        if point is None:
            strokes.append([])
        else:
            strokes[-1].append(f"{point.x},{point.y}")
    return tuple(" ".join(stroke) for stroke in strokes if stroke)
