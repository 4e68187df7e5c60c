"""Text of unknown making, made harmless to a reader.

- :func:`visible`: with what can't be seen, or turns a line around, spelled out.
- :func:`pieces`: the same in pieces, so that a page can set off what was spelled out.
- :class:`Excerpt`, :func:`excerpt`: of a long text its beginning and its end.
- :func:`as_text`: a value of a log as text.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Excerpt", "as_text", "excerpt", "name_of", "pieces", "visible"]

_LONGEST = 16_000  # characters of one text on a page
# Controls but for tab and line feed, what is invisible or changes direction, surrogates, private use, and tags.
_HIDDEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U0010ffff"
    "]"
)


def visible(text: str) -> str:
    r"""Return ``text`` with what can't be seen spelled out.

    Example:
        >>> visible("a\u202eb\x1b[0m")
        'a\\u202eb\\x1b[0m'
    """
    return _HIDDEN.sub(lambda match: _spelled(match.group()), text)


def pieces(text: str) -> Iterator[tuple[str, str]]:
    r"""Yield ``text`` in pieces, each with the name of the character it spells out, or "".

    Example:
        >>> list(pieces("a\x00"))
        [('a', ''), ('\\x00', 'U+0000 control')]
    """
    end = 0
    for match in _HIDDEN.finditer(text):
        if match.start() > end:
            yield text[end : match.start()], ""
        yield _spelled(match.group()), name_of(match.group())
        end = match.end()
    if end < len(text):
        yield text[end:], ""


def name_of(character: str) -> str:
    """Return what a character is called."""
    kinds = {"Cc": "control", "Cs": "lone surrogate", "Co": "private use"}
    kind = kinds.get(unicodedata.category(character), "no character")
    return f"U+{ord(character):04X} {unicodedata.name(character, kind)}"


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A text, or of a long one the two ends.

    Attributes:
        head: The text, or its beginning.
        tail: The end of a long one.
        left_out: How many characters are between them.
        length: How many characters it has as a whole.
    """

    head: str
    tail: str = ""
    left_out: int = 0
    length: int = 0


def excerpt(text: str, limit: int = _LONGEST) -> Excerpt:
    """Return ``text``, its middle left out if it is longer than ``limit`` characters.

    Example:
        >>> excerpt("abcdefgh", 4)
        Excerpt(head='abc', tail='h', left_out=4, length=8)
    """
    if len(text) <= limit:
        return Excerpt(text, length=len(text))
    tail = limit // 4
    head = limit - tail
    return Excerpt(text[:head], text[len(text) - tail :], len(text) - limit, len(text))


def as_text(value: Any) -> str:
    """Return a text as it is, anything else as JSON that a person can read."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
