"""Finds the code in what a model wrote.

- :func:`extract_code`: the one piece of code that is a text's answer.
- :func:`fenced_blocks`: every fenced block; :func:`read_block` reads the one that starts at a place.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["BREAKS", "FENCE", "Block", "extract_code", "fenced_blocks", "read_block"]

_TAGS: dict[str, frozenset[str]] = {
    "python": frozenset({"python", "py", "python3", "py3", "ipython"}),
    "bash": frozenset({"bash", "sh", "shell"}),
    "cpp": frozenset({"cpp", "c++", "cxx", "cc"}),
    "javascript": frozenset({"javascript", "js", "node"}),
    "rust": frozenset({"rust", "rs"}),
    "go": frozenset({"go", "golang"}),
}

BREAKS = r"\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
"""What ends a line, as in ``str.splitlines``: the inside of a regular expression's class."""
FENCE = rf" {{0,3}}(?:`{{3,}}[^`{BREAKS}]*(?=[{BREAKS}]|\Z)|~{{3,}}[^{BREAKS}]*)"
"""A fence from the start of its line to the end, as a regular expression."""
_FENCE = re.compile(rf"(?:^|(?<=[{BREAKS}])){FENCE}")
_BREAK = re.compile(rf"\r\n|[{BREAKS}]|\Z")


class Block(NamedTuple):
    """A fenced block, and where it and its closing fence end."""

    language: str
    code: str
    end: int


def extract_code(text: str, language: str = "python") -> str:
    r"""Return the last fenced block of ``text``, or all of it if there is none.

    Blocks in ``language`` or in no language named are preferred over others; a block that is never
    closed reaches to the end (a model that ran out of tokens).

    Example:
        >>> extract_code("Sure:\n```python\nx = 1\n```\nDone.")
        'x = 1\n'
    """
    blocks = fenced_blocks(text)
    if not blocks:
        return text if text.strip() else ""
    tags = _TAGS.get(language, {language}) | {""}
    wanted = [code for tag, code in blocks if tag.lower() in tags]
    code = (wanted or [code for _, code in blocks])[-1]
    return code if code.strip() else ""


def fenced_blocks(text: str) -> list[tuple[str, str]]:
    r"""Return ``(language, code)`` of each fenced block; fences pair as in CommonMark.

    Example:
        >>> fenced_blocks("```sh\nls\n```\nand\n~~~\nx")
        [('sh', 'ls\n'), ('', 'x')]
    """
    blocks: list[tuple[str, str]] = []
    end = 0
    while opening := _FENCE.search(text, end):
        language, code, end = read_block(text, opening.start(), opening.end())
        blocks.append((language, code))
    return blocks


def read_block(text: str, start: int, end: int) -> Block:
    """Return the block whose opening fence is ``text[start:end]``; never closed, it takes the rest."""
    marks, language = _parts(text[start:end])
    broken = _BREAK.match(text, end)
    first = broken.end() if broken else end
    for line in _FENCE.finditer(text, end):
        closing, behind = _parts(line.group())
        if not behind and closing.startswith(marks):
            return Block(language, text[first : line.start()], line.end())
    return Block(language, text[first:], len(text))


def _parts(fence: str) -> tuple[str, str]:
    """Return a fence's marks and the first word behind them."""
    body = fence.lstrip(" ")
    behind = body.lstrip(body[0])
    return body[: len(body) - len(behind)], (behind.split() or [""])[0]
