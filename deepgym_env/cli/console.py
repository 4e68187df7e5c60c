"""What commands print: consoles, safe text, JSON, progress.

- :func:`stdout`, :func:`stderr`: consoles on the streams as they are now.
- :func:`visible`, :func:`one_line`: text of unknown making, harmless to a terminal.
- :func:`print_json`, :func:`note`, :func:`progress_bar`, :func:`table`, :func:`status_text`.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, NoReturn

from rich.console import Console
from rich.markup import escape
from rich.text import Text

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Table

__all__ = [
    "note",
    "one_line",
    "print_json",
    "progress_bar",
    "status_text",
    "stderr",
    "stdout",
    "table",
    "visible",
]

_PIPE_WIDTH = 240
_STYLES = {"passed": "green", "not_run": "dim", "timeout": "yellow", "infrastructure_error": "magenta"}
# Control characters could drive the terminal, and direction marks make text look like other text.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        """Leave the exit code to the command group; rich would exit with 1."""
        raise BrokenPipeError


def stdout() -> Console:
    """Return a console on stdout; wide when piped, so that no table is cut to 80 columns."""
    return _console(stderr=False)


def stderr() -> Console:
    """Return a console on stderr."""
    return _console(stderr=True)


def _console(stderr: bool) -> Console:
    console = _Console(stderr=stderr, highlight=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PIPE_WIDTH
    return console


def visible(text: str) -> str:
    r"""Return ``text`` with what could drive the terminal spelled out.

    Example:
        >>> visible("red: \x1b[31m")
        'red: \\x1b[31m'
    """
    return _UNSAFE.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


def one_line(text: str, limit: int | None = None, *, markup: bool = False) -> str:
    r"""Return ``text`` on one line, shortened to ``limit`` characters, for markup if asked.

    Example:
        >>> one_line("a\n  b", limit=2)
        'a…'
    """
    line = visible(" ".join(text.split()))
    if limit is not None and len(line) > limit:
        line = f"{line[: limit - 1]}…"
    return escape(line) if markup else line


def status_text(status: str) -> Text:
    """Return a status in its colour."""
    return Text(status, style=_STYLES.get(status, "red"))


def table(*columns: str, title: str | None = None) -> Table:
    """Return an empty table; long cells fold, nothing is cut off."""
    from rich import box
    from rich.table import Table

    grid = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for column in columns:
        grid.add_column(column, overflow="fold")
    return grid


def print_json(value: Any) -> None:
    """Print one JSON document on stdout; pure ASCII, so that any text survives any terminal."""
    stdout().out(json.dumps(value, indent=2), highlight=False)


def note(message: str) -> None:
    """Print a remark on stderr."""
    stderr().print(f"[dim]{one_line(message, markup=True)}[/]", soft_wrap=True)


def progress_bar() -> Progress:
    """Return a progress bar on stderr."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=stderr())
