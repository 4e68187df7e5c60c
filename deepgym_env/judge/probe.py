"""Catches values that claim to equal everything: wraps the assertions of unittest in the submission's process.

The wrappers can be reached by the submission, so they hold nothing worth having: their source runs by
itself, before the submission (Python 3.8+, stdlib only).

- :func:`wrap_assertions_`: has the assertions ask their arguments a few questions first.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List

__all__ = ["wrap_assertions_"]

_NOT_ASKED = ("assertRaises", "assertRaisesRegex", "assertWarns", "assertWarnsRegex", "assertLogs", "assertNoLogs")
_DEEPEST, _MOST = 3, 100  # levels and members of a container that are looked at


def wrap_assertions_(case: Any, is_library: Callable[[str], bool]) -> Callable[..., Any]:
    """Wrap every assertion of a TestCase class; return what does the same for one value.

    Args:
        case: The class.
        is_library: Whether a file is the standard library's or a package's.
    """
    import operator
    import types

    relations: Dict[str, Callable[[Any, Any], Any]] = {
        "==": operator.eq,
        "!=": operator.ne,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
        "in": lambda left, right: left in right,
        "not in": lambda left, right: left not in right,
        "is": operator.is_,
        "is not": operator.is_not,
    }

    def is_own(function: Any) -> bool:
        """Whether a method is one of the submission's own."""
        return isinstance(function, types.FunctionType) and not is_library(function.__code__.co_filename)

    def own(value: Any, name: str) -> bool:
        for base in type.mro(type(value)) if type(value) is not type else ():
            if name in vars(base):
                found = vars(base)[name]
                return is_own(found.fget if isinstance(found, property) else found)
        return False

    def says(question: Callable[[], Any]) -> bool:
        try:
            return bool(question())
        except Exception:
            return False

    def claims(value: Any, decoy: Any) -> bool:
        return says(lambda: value == decoy) or says(lambda: decoy == value)

    def decoys(others: List[Any]) -> List[Any]:
        """Return values like those it is compared with, and equal to none of them."""
        nobody = object()
        found: List[Any] = [nobody]
        for other in others:
            kind = type(other)
            if kind is bool:
                found.append(not other)
            elif kind in (int, float):
                found += [other + 7919, -other - 104729]
            elif kind in (str, bytes):
                found.append(other + kind(other[:0]) + ("\x00?" if kind is str else b"\x00?"))
            elif kind in (list, tuple):
                found.append(other + kind([nobody]))
            elif kind is dict:
                found.append({**other, nobody: nobody})
            elif kind in (set, frozenset):
                found.append(other | {nobody})
        return found

    def lies(value: Any, others: List[Any]) -> bool:
        if own(value, "__class__"):
            return True
        if own(value, "__eq__") and any(claims(value, decoy) for decoy in decoys(others)):
            return True
        if own(value, "__contains__") and says(lambda: object() in value):
            return True
        if any(own(value, name) for name in ("__gt__", "__lt__", "__ge__", "__le__")):
            above = says(lambda: value > 10**30) or says(lambda: value >= 10**30)
            return above and (says(lambda: value < -(10**30)) or says(lambda: value <= -(10**30)))
        return False

    def check(value: Any, others: List[Any], depth: int) -> None:
        kind = type(value)
        if kind in (list, tuple, set, frozenset, dict):
            if depth < _DEEPEST:
                members = [*value.keys(), *value.values()] if kind is dict else list(value)
                for member in members[:_MOST]:
                    check(member, [], depth + 1)
        elif kind.__module__ != "builtins" and lies(value, others):
            raise AssertionError("a %s that claims to be whatever it is compared with" % kind.__name__)

    def wrapped(function: Any) -> Any:
        def asserting(self: Any, *args: Any, **kwargs: Any) -> Any:
            given = [*args, *kwargs.values()]
            for at, value in enumerate(given):
                check(value, given[:at] + given[at + 1 :], 0)
            return function(self, *args, **kwargs)

        asserting.__name__ = function.__name__
        asserting.__doc__ = function.__doc__
        return asserting

    def checked_(left: Any, relation: str = "", right: Any = None) -> Any:
        """Return the value a bare ``assert`` is about, or whether what it says of two holds."""
        if not relation:
            check(left, [], 0)
            return left
        check(left, [right], 0)
        check(right, [left], 0)
        if relations[relation](left, right):
            return True
        raise AssertionError("assert %.200r %s %.200r" % (left, relation, right))

    for name, function in list(vars(case).items()):
        if name.startswith("assert") and name not in _NOT_ASKED and isinstance(function, types.FunctionType):
            setattr(case, name, wrapped(function))
    return checked_
