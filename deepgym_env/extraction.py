"""Finds the code in what a model wrote."""

from __future__ import annotations

import re

__all__ = ["extract_code"]

_FENCE = re.compile(r"^ {0,3}(?P<marks>`{3,}|~{3,})[ \t]*(?P<language>[\w+#.-]*)[^`\n]*$", re.MULTILINE)
_PYTHON = frozenset({"python", "py", "python3", "py3", "ipython", ""})


def extract_code(text: str) -> str:
    r"""Return the last fenced block of ``text``, or all of it if there is none.

    Blocks in Python or in no language named are preferred over others; a block that is never
    closed reaches to the end (a model that ran out of tokens).

    Example:
        >>> extract_code("Sure:\n```python\nx = 1\n```\nDone.")
        'x = 1\n'
    """
    blocks = _blocks(text)
    if not blocks:
        return text if text.strip() else ""
    python = [code for language, code in blocks if language.lower() in _PYTHON]
    return (python or [code for _, code in blocks])[-1]


def _blocks(text: str) -> list[tuple[str, str]]:
    """Return ``(language, code)`` of each fenced block; fences pair as in CommonMark."""
    blocks: list[tuple[str, str]] = []
    opening: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        if opening is None:
            opening = fence
        elif _closes(opening, fence):
            blocks.append((opening["language"], text[opening.end() + 1 : fence.start()]))
            opening = None
    if opening is not None:
        blocks.append((opening["language"], text[opening.end() + 1 :]))
    return blocks


def _closes(opening: re.Match[str], fence: re.Match[str]) -> bool:
    marks = fence["marks"]
    return fence.group().strip() == marks and marks[0] == opening["marks"][0] and len(marks) >= len(opening["marks"])
