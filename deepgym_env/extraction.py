"""Finds the code in what a model wrote."""

from __future__ import annotations

__all__ = ["extract_code"]

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
    code = (python or [code for _, code in blocks])[-1]
    return code if code.strip() else ""


def _blocks(text: str) -> list[tuple[str, str]]:
    """Return ``(language, code)`` of each fenced block; fences pair as in CommonMark."""
    blocks: list[tuple[str, str]] = []
    opening: tuple[str, str] | None = None
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        fence = _fence(line)
        if opening is None:
            opening, lines = fence, []
        elif fence is not None and not fence[1] and fence[0].startswith(opening[0]):
            blocks.append((_language(opening[1]), "".join(lines)))
            opening = None
        else:
            lines.append(line)
    if opening is not None:
        blocks.append((_language(opening[1]), "".join(lines)))
    return blocks


def _fence(line: str) -> tuple[str, str] | None:
    """Return a fence's marks and what stands behind them, or None if the line is no fence."""
    body = line.lstrip(" ")
    if len(line) - len(body) > 3 or body[:3] not in ("```", "~~~"):
        return None
    behind = body.lstrip(body[0])
    marks = body[: len(body) - len(behind)]
    return None if "`" in behind and marks[0] == "`" else (marks, behind.strip())


def _language(behind: str) -> str:
    return behind.split()[0] if behind else ""
