"""Python's own things, which a test and a submission have in common (stdlib only, Python 3.8+).

- :func:`number_of`, :func:`with_number`: types and functions of Python itself cross as numbers.
- :func:`parts`, :data:`MADE`: values of the standard library cross as what they are made of.

A number is *harmless* if what has it may be called with whatever a submission gives: it runs no text,
reaches no file, and looks into nothing. Only these may come from a submission.
"""

from __future__ import annotations

import builtins
import sys

from .codec import Made

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional, Tuple

__all__ = ["MADE", "number_of", "parts", "with_number"]

_FUNCTIONS = (
    "abs all any ascii bin callable chr divmod format hash hex isinstance issubclass iter len max min next oct ord"
    " pow repr round sorted sum"
).split()


def _harmless(name: str, value: Any) -> bool:
    return name in _FUNCTIONS or (isinstance(value, type) and name[0] != "_" and name not in ("type", "super"))


_OWN = [value for name, value in sorted(vars(builtins).items()) if _harmless(name, value)]
_HARMLESS = len(_OWN)
_OWN += [value for name, value in sorted(vars(builtins).items()) if callable(value) and not _harmless(name, value)]
_NUMBERS = {id(value): number for number, value in reversed(list(enumerate(_OWN)))}


def number_of(value: Any, harmless: bool) -> Optional[int]:
    """Return the number of what Python itself has; None for all else, and what may do harm if ``harmless``."""
    number = _NUMBERS.get(id(value))
    return None if harmless and number is not None and number >= _HARMLESS else number


def with_number(number: int, harmless: bool) -> Any:
    """Return what has the number.

    Raises:
        LookupError: If nothing has, or what may do harm if ``harmless``.
    """
    return _OWN[: _HARMLESS if harmless else None][number]


_PARTS: Dict[Tuple[str, str], Callable[[Any], Any]] = {
    ("decimal", "Decimal"): lambda value: [str(value)],
    ("fractions", "Fraction"): lambda value: [str(value)],
    ("datetime", "date"): lambda value: [value.year, value.month, value.day],
    ("datetime", "time"): lambda value: [*_clock(value)],
    ("datetime", "datetime"): lambda value: [value.year, value.month, value.day, *_clock(value)],
    ("datetime", "timedelta"): lambda value: [value.days, value.seconds, value.microseconds],
    ("datetime", "timezone"): lambda value: [value.utcoffset(None)],
    ("uuid", "UUID"): lambda value: [str(value)],
}


def _clock(value: Any) -> Tuple[Any, ...]:
    return value.hour, value.minute, value.second, value.microsecond, value.tzinfo


def parts(value: Any) -> Any:
    """Return what to encode for a value of the standard library; the value itself if it is none we know."""
    kind = type(value)
    key = (kind.__module__, kind.__name__)
    if key not in _PARTS or getattr(sys.modules.get(key[0]), key[1], None) is not kind:
        return value
    return Made(key[1], _PARTS[key](value))


def _maker(module: str, name: str) -> Callable[..., Any]:
    def make(*given: Any) -> Any:
        return getattr(__import__(module), name)(*given)  # imported when it is needed, which is rare

    return make


MADE = {name: _maker(module, name) for module, name in _PARTS}
