"""Python's ``==`` on plain data, told from trees: no ``__eq__`` and no hash of anybody's is called.

- :func:`equal_text`: text that values share exactly if they are equal.
- :func:`close`: the same with numbers within a tolerance.

Numbers are equal by value, whatever their type (``True == 1 == 1.0``), a named tuple is a tuple, the
kinds of dict, of set and of bytes are one each. Not-a-number is equal to itself here. Objects are equal if
the names of their types and their fields are.
"""

from __future__ import annotations

import json
import math
from typing import Any

__all__ = ["close", "equal_text"]

_DICTS = frozenset({"dict", "OrderedDict", "defaultdict", "Counter"})
_SETS = frozenset({"set", "frozenset"})
_NUMBERS = frozenset({"int", "float", "complex"})

Number = int | float | complex


def equal_text(tree: Any) -> str:
    """Return text that is the same for trees of equal values.

    Raises:
        Exception: If the tree is malformed: it is equal to nothing.

    Example:
        >>> equal_text([1, {"$": "tuple", "v": [True]}]) == equal_text([1.0, {"$": "tuple", "v": [1]}])
        True
    """
    number = _number(tree)
    if number is not None:
        return _number_text(number)
    if type(tree) is list:
        return f"[{','.join(map(equal_text, tree))}]"
    if type(tree) is not dict:
        return json.dumps(tree)
    tag, members = tree["$"], tree["v"]
    if tag in _DICTS:
        return f"{{{','.join(sorted(f'{equal_text(key)}:{equal_text(value)}' for key, value in members))}}}"
    if tag in _SETS:
        return f"<{','.join(sorted(map(equal_text, members)))}>"
    if tag == "tuple":
        return f"({','.join(map(equal_text, members))})"
    if tag == "namedtuple":
        return f"({','.join(equal_text(value) for _, value in members)})"
    if tag in ("bytes", "bytearray"):
        return f"b{json.dumps(members)}"
    if tag == "range":
        made = range(*map(_index, members))
        return f"range({len(made)},{made[0] if made else 0},{made.step if len(made) > 1 else 0})"
    content = equal_text(members) if type(members) is list else json.dumps(members)
    return f"{json.dumps([tag, tree.get('type')])}{content}"


def close(left: Any, right: Any, rel_tol: float, abs_tol: float) -> bool:
    """Return whether two trees are equal, each number within the tolerance of its partner.

    Example:
        >>> close([0.3, 1], [0.1 + 0.2, 1.0], 1e-9, 0.0), close([0.3], 0.3, 1e-9, 0.0)
        (True, False)
    """
    one, other = _number(left), _number(right)
    if one is not None and other is not None:
        return one == other or _near(one, other, rel_tol, abs_tol)
    if type(left) is list and type(right) is list:
        return len(left) == len(right) and all(close(a, b, rel_tol, abs_tol) for a, b in zip(left, right, strict=True))
    if type(left) is dict and type(right) is dict:
        first, second = _sequence(left), _sequence(right)
        if first is not None and second is not None:
            return close(first, second, rel_tol, abs_tol)
        if left["$"] in _DICTS and right["$"] in _DICTS:
            return _close_dicts(left["v"], right["v"], rel_tol, abs_tol)
    return equal_text(left) == equal_text(right)


def _close_dicts(left: Any, right: Any, rel_tol: float, abs_tol: float) -> bool:
    """Compare dicts by equal keys and close values."""
    ours, theirs = ({equal_text(key): value for key, value in pairs} for pairs in (left, right))
    if ours.keys() != theirs.keys() or len(left) != len(right):
        return False
    return all(close(value, theirs[key], rel_tol, abs_tol) for key, value in ours.items())


def _sequence(node: dict[str, Any]) -> list[Any] | None:
    """Return the members of a tuple, named or not."""
    if node["$"] == "namedtuple":
        return [value for _, value in node["v"]]
    return node["v"] if node["$"] == "tuple" and type(node["v"]) is list else None


def _number(tree: Any) -> Number | None:
    """Return the number a tree stands for, None if it is none."""
    if isinstance(tree, (bool, int, float)):
        return tree
    if type(tree) is not dict or tree["$"] not in _NUMBERS:
        return None
    text = tree["v"]
    if tree["$"] == "int":
        return int(text, 16)
    if tree["$"] == "float":
        return float(text)
    made = complex(float(text[0]), float(text[1]))
    return made.real if made.imag == 0 else made


def _number_text(number: Number) -> str:
    if isinstance(number, complex):
        return f"({_number_text(number.real)}+{_number_text(number.imag)}j)"
    if isinstance(number, float) and not (math.isfinite(number) and number.is_integer()):
        return repr(number)
    return f"#{int(number):x}"


def _near(one: Number, other: Number, rel_tol: float, abs_tol: float) -> bool:
    largest = max(abs(one), abs(other))
    allowed = max(rel_tol * largest, abs_tol)
    return allowed > 0 and math.isfinite(largest) and abs(one - other) <= allowed


def _index(tree: Any) -> int:
    number = _number(tree)
    if not isinstance(number, int):
        raise TypeError(f"a range of {number!r}")
    return number
