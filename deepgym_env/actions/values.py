"""What comes from outside, made safe to work with.

- :func:`plain`: a copy of JSON-like data in built-in types, bounded in depth, size and count.
- :func:`read_json`: strict JSON out of a text.
- :func:`shown`, :func:`nearest`, :func:`did_you_mean`: values and near misses in error messages.
"""

from __future__ import annotations

import difflib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from deepgym_env.errors import DeepGymError

__all__ = ["MAX_CHARACTERS", "MalformedActionError", "did_you_mean", "nearest", "plain", "read_json", "shown"]

MAX_CHARACTERS = 1 << 24
_MAX_VALUES = 1_000_000
_MAX_DEPTH = 64
_MAX_BITS = 1024
_SHOWN = 60


class MalformedActionError(DeepGymError, ValueError):
    """An action can't be understood; the message tells the model why.

    Attributes:
        tool: Name of the tool that was probably meant, or "".
    """

    def __init__(self, message: str, tool: str = "") -> None:
        """Keep the tool meant beside the message."""
        super().__init__(message)
        self.tool = tool


def plain(value: object) -> Any:
    """Return a copy of ``value`` in dicts, lists, strings, numbers, booleans and None.

    Raises:
        MalformedActionError: If it isn't JSON-like data, or more of it than an action may hold.
    """
    try:
        return _Copier().copy(value, 0)
    except MalformedActionError:
        raise
    except Exception as exc:  # a foreign object's own code may raise anything
        raise MalformedActionError(f"the action can't be read: {type(exc).__name__}") from None


class _Copier:
    """Copies a value and counts what it copied."""

    def __init__(self) -> None:
        self._values = 0
        self._characters = 0

    def copy(self, value: object, depth: int) -> Any:
        self._values += 1
        if depth > _MAX_DEPTH or self._values > _MAX_VALUES:
            raise MalformedActionError(
                f"an action may hold {_MAX_VALUES:,} values, nested {_MAX_DEPTH} deep; this one holds more"
            )
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return {self._key(key): self.copy(item, depth + 1) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.copy(item, depth + 1) for item in value]
        return _scalar(value)

    def _text(self, value: str) -> str:
        self._characters += len(value)
        if self._characters > MAX_CHARACTERS:
            raise MalformedActionError(f"an action may hold {MAX_CHARACTERS:,} characters; this one holds more")
        try:
            str.encode(value)
        except UnicodeEncodeError as exc:
            raise MalformedActionError(f"the text has half a character at {exc.start}: {value[exc.start]!r}") from None
        return str.__str__(value)

    def _key(self, key: object) -> str:
        if not isinstance(key, str):
            raise MalformedActionError(f"the keys of an object must be strings, got {shown(key)}")
        return self._text(key)


def _scalar(value: object) -> bool | int | float | None:
    if value is None or value is True or value is False:
        return value
    if isinstance(value, int):
        if int.bit_length(value) > _MAX_BITS:
            raise MalformedActionError(f"an integer may have {_MAX_BITS:,} bits, got {shown(value)}")
        return int.__int__(value)
    if not isinstance(value, float):
        raise MalformedActionError(f"expected text or JSON-like data (dict, list, str, int, ...), got {shown(value)}")
    if not math.isfinite(value):
        raise MalformedActionError(f"{value!r} is not a JSON value")
    return float.__float__(value)


def read_json(text: str, start: int = 0) -> tuple[Any, int]:
    """Return the JSON value that begins at ``start``, and where it ends.

    Line breaks within strings are let through, as models write them; NaN, and keys given twice, aren't.

    Raises:
        MalformedActionError: If there is none; the message names the place.
    """
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as exc:
        raise MalformedActionError(
            f"invalid JSON: {exc.msg.removesuffix(' at')} {_place(text, start, exc.pos)}"
        ) from None
    except RecursionError:
        raise MalformedActionError(f"JSON may be nested {_MAX_DEPTH} deep; this is nested deeper") from None
    except MalformedActionError:
        raise
    except ValueError:  # an integer of more digits than Python reads
        raise MalformedActionError("invalid JSON: a number has too many digits") from None
    return plain(value), end


def _place(text: str, start: int, position: int) -> str:
    if position >= len(text):
        return f"at character {position - start}, where the text ends"
    return f"at character {position - start}: {text[position : position + 20]!r}"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise MalformedActionError(f"invalid JSON: the key {shown(twice)} is given twice")
    return made


def _no_constant(name: str) -> Any:
    raise MalformedActionError(f"invalid JSON: {name} is not a JSON value")


_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=_unique, parse_constant=_no_constant)


def shown(value: object) -> str:
    """Return ``value`` in a few words, whatever it is."""
    if isinstance(value, str):
        return repr(value) if len(value) <= _SHOWN else f"{value[:_SHOWN]!r}..."
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int):
        return str(value) if value.bit_length() <= _MAX_BITS else f"an integer of {value.bit_length():,} bits"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, (list, tuple)) else f"a value of type {type(value).__name__}"


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """Return the known words most like ``word``: two at most."""
    return difflib.get_close_matches(word[:_SHOWN], list(known), n=2)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the nearest known words, or nothing."""
    close = nearest(word, known)
    return f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""
