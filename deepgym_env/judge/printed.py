"""Holds what a program printed against what it should; total, and in time linear in both.

- :class:`Printed`: a right output; says of another where it first differs.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation
from itertools import zip_longest

from deepgym_env.task import StdioComparison

__all__ = ["Printed"]

_WHOLE = re.compile(rb"[+-]?[0-9]+")
_NUMBER = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_LONGEST = 5000  # digits of a number; what is longer is text
_SHOWN = 60


class Printed:
    r"""An output that is right.

    White space and letter case are ASCII's: a no-break space is a character like any other.

    Attributes:
        text: The output as it was given.

    Example:
        >>> right = Printed("1 2\n3\n", StdioComparison())
        >>> right.difference("1 2  \n3") is None
        True
        >>> right.difference("1 2\n4\n")
        "line 2: expected '3', got '4'"
    """

    def __init__(self, text: str, how: StdioComparison) -> None:
        """Take ``text``; what is compared of it would take many times its room, and is found when needed."""
        self.text = text
        self._how = how

    @property
    def key(self) -> bytes:
        """What outputs share that are the same but for white space, and for case where that doesn't count."""
        return b"\n".join(self._parts(self.text))

    def difference(self, printed: str) -> str | None:
        """Return where an output first differs, in one sentence; None if it is right."""
        if printed == self.text:
            return None
        expected, parts = self._parts(self.text), self._parts(printed)
        if expected == parts:
            return None
        what = "word" if self._how.kind in ("tokens", "float") else "line"
        for number, (right, given) in enumerate(zip_longest(expected, parts), 1):
            if right is None:
                return f"{what} {number}: expected no more, got {_shown(given)}"
            if given is None:
                return f"{what} {number}: expected {_shown(right)}, got no more"
            if right != given and not self._same(right, given):
                return f"{what} {number}: expected {_shown(right)}, got {_shown(given)}"
        return None

    def _parts(self, text: str) -> tuple[bytes, ...]:
        data = text.encode("utf-8", "surrogatepass")
        if self._how.ignore_case:
            data = data.lower()
        if self._how.kind in ("tokens", "float"):
            return tuple(data.split())
        if self._how.kind == "decimal":
            return tuple(line.strip() for line in data.strip().split(b"\n"))
        return tuple(line.rstrip() for line in data.rstrip().split(b"\n"))

    def _same(self, right: bytes, given: bytes) -> bool:
        if self._how.kind == "float":
            return _close(right, given, self._how)
        if self._how.kind == "decimal":
            return _equal_numbers(right.split(), given.split())
        return False


def _close(right: bytes, given: bytes, how: StdioComparison) -> bool:
    numbers = _number(right), _number(given)
    if numbers[0] is None or numbers[1] is None:
        return False
    if _WHOLE.fullmatch(right) and _WHOLE.fullmatch(given):
        return numbers[0] == numbers[1]
    one, other = float(right), float(given)
    if math.isinf(one) or math.isinf(other):  # two numbers too large for a float needn't be close
        return numbers[0] == numbers[1]
    return math.isclose(one, other, rel_tol=how.rel_tol, abs_tol=how.abs_tol)


def _equal_numbers(right: list[bytes], given: list[bytes]) -> bool:
    if len(right) != len(given):
        return False
    pairs = ((_number(one), _number(other)) for one, other in zip(right, given, strict=True))
    return all(one is not None and one == other for one, other in pairs)


def _number(word: bytes) -> Decimal | None:
    """Return the number a word is, exactly; None if it is none."""
    if len(word) > _LONGEST or not _NUMBER.fullmatch(word):
        return None
    try:
        return Decimal(word.decode())
    except InvalidOperation:  # an exponent beyond all bounds
        return None


def _shown(part: bytes) -> str:
    text = part[: 4 * _SHOWN].decode("utf-8", "replace")
    return repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…")
