"""Templates to HTML, with every text escaped on its way.

- :func:`render`: a template and its values to a page.
- :func:`asset`: the style sheet or the script.
- :func:`marked`: a text with what can't be seen set off.
"""

from __future__ import annotations

from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any

from deepgym_env.optional import require
from deepgym_env.viewer.charts import sparkline
from deepgym_env.viewer.heatmap import status_of
from deepgym_env.viewer.text import pieces, visible

__all__ = ["asset", "marked", "render"]

_HERE = Path(__file__).parent
_MOST_MARKS = 300  # in one text
_OUTCOMES = {
    "passed": "passed",
    "failed": "failed",
    "unfinished": "unfinished",
    "no_verdict": "no verdict",
    "untold": "not judged",
}


def render(template: str, **values: Any) -> str:
    """Return a page.

    Args:
        template: Name of a template.
        values: What it shows; ``links`` among them.

    Raises:
        ConfigError: If Jinja2 isn't installed.
    """
    return str(_environment().get_template(template).render(**values))


@cache
def asset(name: str) -> str:
    """Return the text of a file of the viewer's own."""
    return (_HERE / "assets" / name).read_text(encoding="utf-8")


def marked(text: str) -> Any:
    """Return a text as HTML, what can't be seen spelled out and set off by a name."""
    from markupsafe import Markup, escape

    parts, taken, marks = [], 0, 0
    for piece, name in pieces(text):
        if marks == _MOST_MARKS:
            parts.append(escape(visible(text[taken:])))
            break
        escaped = escape(piece)
        parts.append(Markup('<span class="ctl" title="{}">{}</span>').format(name, escaped) if name else escaped)
        taken += 1 if name else len(piece)
        marks += bool(name)
    return Markup("").join(parts)


@cache
def _environment() -> Any:
    jinja2 = require("jinja2", "the viewer", "view")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        marked=marked, percent=_percent, signed=_signed, moment=_moment, duration=_duration, number=_number
    )
    environment.globals.update(sparkline=sparkline, status_of=status_of, outcome_name=_OUTCOMES.__getitem__)
    return environment


def _shown(value: Any) -> Any:
    """Return a value as a template puts it out: whatever a text holds, it can be seen; Jinja escapes it after this."""
    if isinstance(value, str):
        return value if hasattr(value, "__html__") else visible(value)
    return value


def _percent(share: float | None) -> str:
    """Return a share in percent; only all is 100 and only nothing 0."""
    if share is None:
        return "–"
    percent = 100 * share
    if 99 < percent < 100 or 0 < abs(percent) < 1:
        return f"{percent:.1f}%" if f"{percent:.1f}" not in ("100.0", "0.0") else ("<100%" if percent > 1 else ">0%")
    return f"{percent:.0f}%"


def _signed(number: float | None) -> str:
    """Return a change of a share in points."""
    if number is None:
        return "–"
    text = f"{100 * number:+.0f}"
    return "±0" if text in ("+0", "-0") and abs(number) < 1e-9 else text.replace("-", "−")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _moment(seconds: float | None) -> str:
    try:
        return "" if seconds is None else f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        return ""


def _duration(seconds: float | None) -> str:
    if seconds is None or not 0 <= seconds < 1e12:
        return "–"
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"
