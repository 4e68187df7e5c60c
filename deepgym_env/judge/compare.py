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

from deepgym_env.judge.equality import close, equal_text
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
        text: Its canonical text.
    """

    __slots__ = ("_equal", "_given", "_tree", "text")

    def __init__(self, value: Any) -> None:
        """Encode ``value``."""
        self._given = value
        self.text = codec.encode(value, 1 << 28).encode()
        self._tree: Any = None
        self._equal: str | None = None

    @property
    def value(self) -> Any:
        """The value itself."""
        return codec.build(self.tree) if type(self._given) is codec.Encoded else self._given

    @property
    def tree(self) -> Any:
        """What the text parses to; most answers are right by their text alone."""
        if self._tree is None:
            self._tree = json.loads(self.text)  # our own text needs no guard, which costs as much again
        return self._tree

    @property
    def equal(self) -> str:
        """The text that values equal to it share."""
        if self._equal is None:
            self._equal = equal_text(self.tree)
        return self._equal


def matches(
    expected: Expected,
    answer: bytes,
    how: Comparison,
    check: Checker | None = None,
    args: tuple[Any, ...] = (),
) -> bool:
    """Return whether an answer is right; any error while comparing means it isn't.

    Args:
        expected: The right answer, or for ``any_of`` and ``any_equal`` the list of right answers.
        answer: What the submission's process sent as the value's text.
        how: The comparison.
        check: The task's checker, for ``checker``.
        args: The call's arguments, for the checker.
    """
    if how.kind not in ("any_of", "any_equal", "checker") and answer == expected.text:
        return True
    try:
        tree = codec.parse(answer.decode())
        if how.kind == "checker" and check is not None:
            return check(args, expected.value, codec.build(tree, max_keys=_CHECKER_KEYS)) is True
        if how.kind == "equal":
            return expected.equal == equal_text(tree)
        if how.kind == "any_equal":
            return equal_text(tree) in [equal_text(option) for option in expected.tree]
        if how.kind == "close":
            return close(expected.tree, tree, how.rel_tol, how.abs_tol)
        if how.kind == "float":
            return _close(expected.tree, tree, how)
        if how.kind == "any_of":
            return _text(tree) in [_text(option) for option in expected.tree]
        depth = how.depth if how.kind == "unordered" else 0
        return _text(expected.tree, depth) == _text(tree, depth)
    except Exception:
        return False


def _text(tree: Any, free: int = 0) -> str:
    """Return text that equal values share: minus zero is zero, and order counts where it means something.

    The order of sets and dicts means nothing, nor does that of lists ``free`` levels down.
    """
    if type(tree) is list:
        items = [_text(item, max(0, free - 1)) for item in tree]
        return f"[{','.join(sorted(items) if free else items)}]"
    if type(tree) is dict:
        members = tree["v"]
        if tree["$"] == "complex":
            members = [float(part) for part in members]
        texts = [_text(member) for member in members] if type(members) is list else [json.dumps(members)]
        texts = sorted(texts) if tree["$"] in _ORDERLESS else texts
        return f"{json.dumps([tree['$'], tree.get('type')])}({','.join(texts)})"
    if type(tree) is float:
        return repr(tree + 0.0)
    return json.dumps(tree)


def _close(left: Any, right: Any, tolerance: Comparison) -> bool:
    """Compare two trees, types strictly, floats within the tolerance."""
    if type(left) is not type(right):
        return False
    if type(left) is float:
        return math.isclose(left, right, rel_tol=tolerance.rel_tol, abs_tol=tolerance.abs_tol)
    if type(left) is list:
        return len(left) == len(right) and all(_close(a, b, tolerance) for a, b in zip(left, right, strict=True))
    if type(left) is dict:
        same_type = (left["$"], left.get("type")) == (right["$"], right.get("type"))
        return same_type and _close(_members(left), _members(right), tolerance)
    return bool(left == right)


def _members(node: dict[str, Any]) -> Any:
    """Return a node's members in an order that is the same for members that are close."""
    members = node["v"]
    if node["$"] == "complex":
        return [float(part) for part in members]
    return sorted(members, key=_rank) if node["$"] in _ORDERLESS else members


def _rank(tree: Any) -> tuple[Any, ...]:
    """Return a sort key in which numbers sort as numbers."""
    if type(tree) is float:
        return (0, tree)
    if type(tree) is list:
        return (1, *map(_rank, tree))
    if type(tree) is dict and type(tree["v"]) is list:
        return (2, str(tree["$"]), *map(_rank, tree["v"]))
    return (3, _text(tree))


def summarize(tree_text: bytes, limit: int = 200) -> str:
    """Return an answer as a person reads it, shortened; never raises."""
    try:
        shown = _show(codec.parse(tree_text.decode()))
    except Exception:
        shown = tree_text[:limit].decode("utf-8", "replace")
    shown = shown.encode("utf-8", "backslashreplace").decode()
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


def _show(tree: Any) -> str:
    """Return a tree as Python would show the value, without making the value."""
    if type(tree) is list:
        return f"[{_show_all(tree)}]"
    if type(tree) is not dict:
        return repr(tree)
    tag, members = tree["$"], tree["v"]
    if tag == "tuple":
        return f"({_show_all(members)}{',' if len(members) == 1 else ''})"
    if tag == "dict":
        return "{" + ", ".join(f"{_show(key)}: {_show(value)}" for key, value in members) + "}"
    if tag == "set" and members:
        return "{" + _show_all(members) + "}"
    if tag in ("object", "namedtuple"):
        fields = ", ".join(f"{name}={_show(value)}" for name, value in members)
        return f"{tree['type']}({fields})"
    if tag == "made":
        return f"{tree['type']}({_show_all(members)})"
    if tag in ("enum", "exception"):
        return f"{tree['type']}.{members}" if tag == "enum" else f"{tree['type']}({members!r})"
    if tag == "query":
        return "<an object of the submission's>"
    if tag in ("int", "float", "bytes", "bytearray", "complex"):
        return repr(codec.build(tree))
    return f"{tag}({_show_all(members)})"


def _show_all(trees: list[Any]) -> str:
    return ", ".join(map(_show, trees))
