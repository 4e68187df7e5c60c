"""Differences of texts, in time that doesn't depend on who wrote them.

- :func:`diff`: two texts to :class:`Diff`, lines of :class:`DiffLine` in hunks.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = ["Diff", "DiffLine", "diff"]

_MOST_LINES = 4000
_MOST_WORK = 20_000_000
_SHOWN = 600
_CONTEXT = 3

Kind = Literal["same", "added", "removed", "gap"]


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a difference.

    Attributes:
        kind: ``same``, ``added``, ``removed``, or ``gap``: lines that are left out here.
        text: The line.
        old: Its number before, None if it wasn't there.
        new: Its number after, None if it isn't there.
    """

    kind: Kind
    text: str = ""
    old: int | None = None
    new: int | None = None


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed from one text to another.

    Attributes:
        lines: The changed lines with some around them.
        added: How many lines were added.
        removed: How many were removed.
        note: Why there are no lines, or not all.
    """

    lines: tuple[DiffLine, ...]
    added: int = 0
    removed: int = 0
    note: str = ""


def diff(before: str, after: str) -> Diff:
    r"""Return what changed.

    Example:
        >>> [(line.kind, line.text) for line in diff("a\nb", "a\nc").lines]
        [('same', 'a'), ('removed', 'b'), ('added', 'c')]
    """
    old, new = _lines(before), _lines(after)
    if old == new:
        return Diff((), note="nothing changed")
    if max(len(old), len(new)) > _MOST_LINES or _work(old, new) > _MOST_WORK:
        return Diff((), note=f"too long to compare ({len(old)} and {len(new)} lines)")
    lines = list(_hunks(old, new))
    added, removed = (sum(line.kind == kind for line in lines) for kind in ("added", "removed"))
    note = f"{len(lines) - _SHOWN} more lines" if len(lines) > _SHOWN else ""
    return Diff(tuple(lines[:_SHOWN]), added, removed, note)


def _lines(text: str) -> list[str]:
    """Return the lines; only a line feed ends one."""
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _work(old: list[str], new: list[str]) -> int:
    """Return about how many steps difflib may take: lines that occur often make it slow."""
    ours, theirs = Counter(old), Counter(new)
    return sum(count * theirs[line] for line, count in ours.items()) * min(len(old), len(new))


def _hunks(old: list[str], new: list[str]) -> Iterator[DiffLine]:
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for number, group in enumerate(matcher.get_grouped_opcodes(_CONTEXT)):
        if number:
            yield DiffLine("gap")
        for tag, old_start, old_end, new_start, new_end in group:
            if tag == "equal":
                for offset, line in enumerate(old[old_start:old_end]):
                    yield DiffLine("same", line, old_start + offset + 1, new_start + offset + 1)
                continue
            for index in range(old_start, old_end):
                yield DiffLine("removed", old[index], index + 1)
            for index in range(new_start, new_end):
                yield DiffLine("added", new[index], None, index + 1)
