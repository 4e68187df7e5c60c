"""Everything in one file that can be sent to somebody.

- :func:`render_static`: the file's text; :func:`static_file`: the same, and what is in it.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from deepgym_env.errors import ConfigError
from deepgym_env.viewer.links import StaticLinks
from deepgym_env.viewer.pages import episode_page
from deepgym_env.viewer.progress import progress
from deepgym_env.viewer.rendering import asset, render
from deepgym_env.viewer.runs import RunFolder
from deepgym_env.viewer.selection import SORTS, Filters, Selection
from deepgym_env.viewer.summary import OUTCOMES, Summary

__all__ = ["MAX_BYTES", "StaticFile", "render_static", "static_file"]

MAX_BYTES = 32 << 20
"""About how large a file may grow; browsers are slow with larger ones."""


class StaticFile(NamedTuple):
    """A file of everything.

    Attributes:
        html: Its text.
        shown: How many episodes are in it.
        total: How many there are.
    """

    html: str
    shown: int
    total: int


def render_static(log: str | os.PathLike[str] | RunFolder, *, max_bytes: int = MAX_BYTES) -> str:
    """Return one HTML file with the list, the run over time and every episode's page; it loads nothing else.

    Of a log too large for one file it holds the latest episodes, and says how many are left out. The run
    over time is of all of them.

    Args:
        log: A log, or a folder of logs.
        max_bytes: About how large the file may grow.

    Raises:
        ConfigError: If there are no episodes, or not even one fits.
    """
    return static_file(log if isinstance(log, RunFolder) else RunFolder(log), max_bytes).html


def static_file(runs: RunFolder, max_bytes: int = MAX_BYTES) -> StaticFile:
    """Return what :func:`render_static` does, and how many episodes are in it.

    Raises:
        ConfigError: If there are no episodes, or not even one fits.
    """
    from markupsafe import Markup

    if not runs.summaries:
        raise ConfigError(f"{runs.path}: there are no episodes; EpisodeLogger writes each when it ends")
    links = StaticLinks()
    shown, pages = _episodes(runs, links, max_bytes)
    style, script = asset("viewer.css"), asset("viewer.js")
    filters = Filters()
    values: dict[str, Any] = {
        "links": links,
        "name": runs.name,
        "filters": filters,
        "tasks": sorted({each.task for each in shown}),
        "logs": [],
    }
    run = render("run_part.html", run=progress(runs.summaries), **values)
    html = render(
        "static.html",
        here="episodes",
        policy=_policy(style, script),
        style=Markup(style),
        script=Markup(script),
        selection=Selection(tuple(shown), len(shown), 1, 1),
        all=len(shown),
        problems=runs.problems,
        outcomes=OUTCOMES,
        sorts=[(value, label) for value, (label, *_) in SORTS.items()],
        left_out=len(runs.summaries) - len(shown),
        run_html=Markup(run),
        episodes_html=[(each.id, Markup(page)) for each, page in zip(shown, pages, strict=True)],
        **values,
    )
    return StaticFile(html, len(shown), len(runs.summaries))


def _episodes(runs: RunFolder, links: StaticLinks, max_bytes: int) -> tuple[list[Summary], list[str]]:
    """Return the latest episodes that fit, the newest first, and their pages."""
    newest = runs.summaries[::-1]
    pages: list[str] = []
    size = 0
    for index in range(len(newest)):
        page = _page(runs, links, newest, index)
        size += len(page.encode())
        if size > max_bytes:
            break
        pages.append(page)
    if not pages:
        raise ConfigError(f"{runs.path}: not even one episode fits in {max_bytes} bytes: look at it without --static")
    return newest[: len(pages)], pages


def _page(runs: RunFolder, links: StaticLinks, newest: Sequence[Summary], index: int) -> str:
    summary = newest[index]
    return render(
        "episode_part.html",
        links=links,
        page=episode_page(runs.episode(summary.id), summary),
        before=newest[index + 1].id if index + 1 < len(newest) else "",
        after=newest[index - 1].id if index else "",
        others=[],
    )


def _policy(style: str, script: str) -> str:
    """Return a policy that admits this style sheet and this script, and nothing else at all."""
    return (
        f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
