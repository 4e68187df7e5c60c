"""What the server writes on stderr: a line per request, and what goes wrong.

- :class:`JsonFormatter`, :class:`TextFormatter`: what a line looks like; :func:`configure`: choose one.

Nothing of a request's body or its key is ever logged; who called is told by the key's id.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone
from typing import Any, Literal

__all__ = ["JsonFormatter", "TextFormatter", "configure"]

LogFormat = Literal["text", "json"]


class JsonFormatter(logging.Formatter):
    """A JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **_facts(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


class TextFormatter(logging.Formatter):
    """A line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        time = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        facts = " ".join(f"{name}={value!s}" for name, value in _facts(record).items())
        line = f"{time} {record.levelname.lower()} {record.getMessage()} {facts}".rstrip()
        line = line.encode("unicode_escape").decode()  # what a client sends can't make lines, or drive the terminal
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    return getattr(record, "facts", {})


def configure(format: LogFormat) -> None:
    """Have the server, and what serves it, log on stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if format == "json" else TextFormatter())
    for name, level in (("deepgym.server", logging.INFO), ("uvicorn.error", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
