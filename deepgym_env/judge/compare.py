"""Holds an answer against the expected value; total, and blind to anything but data.

An answer is the canonical text of a value (:mod:`deepgym_env.sandbox.runner.codec`). Equal text
means equal values of equal types; only where the text differs is it parsed, into lists, strings,
numbers and ``{"$": tag}`` nodes, never into objects, sets or dicts of the submission's making.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from deepgym_env.sandbox.runner import codec
from deepgym_env.task import Comparison

__all__ = ["Expected", "matches", "summarize"]

# A checker gets real sets and dicts: this many members bound what colliding hashes can cost.
_CHECKER_KEYS = 2000
_ORDERLESS = ("dict", "set", "frozenset", "OrderedDict", "defaultdict", "Counter")

Checker = Callable[[tuple[Any, ...], Any, Any], bool]


class Expected:
    """One call's right answer, encoded once.

    Attributes:
        value: The value itself.
        text: Its canonical text.
        tree: What the text parses to.
    """

    __slots__ = ("text", "tree", "value")

    def __init__(self, value: Any) -> None:
        """Encode ``value``."""
        self.value = value
        self.text = codec.encode(value, 1 << 28).encode()
        self.tree = codec.parse(self.text.decode())


def matches(
    expected: Expected,
    answer: bytes,
    how: Comparison,
    check: Checker | None = None,
    args: tuple[Any, ...] = (),
) -> bool:
    """Return whether an answer is right; any error while comparing means it isn't.

    Args:
        expected: The right answer, or for ``any_of`` the list of right answers.
        answer: What the submission's process sent as the value's text.
        how: The comparison.
        check: The task's checker, for ``checker``.
        args: The call's arguments, for the checker.
    """
    if how.kind in ("exact", "float", "unordered") and answer == expected.text:
        return True
    try:
        tree = codec.parse(answer.decode())
        if how.kind == "any_of":
            return any(_same(option, tree) for option in expected.tree)
        if how.kind == "unordered":
            return _sorted(expected.tree, how.depth) == _sorted(tree, how.depth)
        if how.kind == "float":
            return _same(expected.tree, tree, how)
        if how.kind == "checker" and check is not None:
            return check(args, expected.value, codec.build(tree, max_keys=_CHECKER_KEYS)) is True
        return _same(expected.tree, tree)
    except Exception:
        return False


def _same(left: Any, right: Any, tolerance: Comparison | None = None) -> bool:
    """Compare two trees, types strictly, floats within the tolerance if there is one."""
    if type(left) is not type(right):
        return False
    if type(left) is list:
        return len(left) == len(right) and all(_same(a, b, tolerance) for a, b in zip(left, right, strict=True))
    if type(left) is dict:
        if left.get("$") in _ORDERLESS and tolerance is None:
            return _text(left) == _text(right)
        return left.keys() == right.keys() and all(_same(left[key], right[key], tolerance) for key in left)
    if type(left) is float and tolerance is not None:
        return math.isclose(left, right, rel_tol=tolerance.rel_tol, abs_tol=tolerance.abs_tol)
    return bool(left == right)


def _sorted(tree: Any, depth: int) -> str:
    """Return text that is the same for lists that differ in order only, ``depth`` levels down."""
    if type(tree) is list and depth:
        return "[" + ",".join(sorted(_sorted(item, depth - 1) for item in tree)) + "]"
    return _text(tree)


def _text(tree: Any) -> str:
    return json.dumps(tree, sort_keys=True)


def summarize(tree_text: bytes, limit: int = 200) -> str:
    """Return an answer as a person reads it, shortened; never raises."""
    try:
        shown = repr(codec.build(codec.parse(tree_text.decode()), max_keys=_CHECKER_KEYS))
    except Exception:
        shown = tree_text[:limit].decode("utf-8", "replace")
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"
