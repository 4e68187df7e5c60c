"""``/docs``: the API's description for a browser, which loads nothing from elsewhere.

- :data:`router`; :func:`page`: the page of a description.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

__all__ = ["page", "router"]

router = APIRouter(include_in_schema=False)

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid #8886; padding: 1rem 0; }
h2 { font-size: 1.1rem; margin: 0; } h2 b { display: inline-block; min-width: 4rem; color: #0a7d4b; }
code, pre, h2 span { font-family: ui-monospace, monospace; font-size: .9em; }
pre { background: #8882; padding: .75rem; border-radius: .4rem; overflow-x: auto; }
td { padding: .1rem 1rem .1rem 0; vertical-align: top; } td:first-child { white-space: nowrap; }
p { margin: .4rem 0; }
"""


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """Show the description."""
    return HTMLResponse(page(request.app.openapi()), headers=_HEADERS)


def page(description: Mapping[str, Any]) -> str:
    """Return an OpenAPI description as HTML."""
    info = description["info"]
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])}</title>',
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>',
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>{_prose(info['description'])}",
        '<p>For programs: <a href="openapi.json">openapi.json</a>.</p>',
        *_sections(description),
    ]
    return "\n".join(parts)


def _sections(description: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield f'<section id="{escape(operation["operationId"])}">'
            yield f"<h2><b>{escape(method.upper())}</b> <span>{escape(path)}</span></h2>"
            yield f"<p><strong>{escape(operation['summary'])}</strong></p>{_prose(operation.get('description', ''))}"
            yield _table((each["name"], each.get("description", "")) for each in operation.get("parameters", []))
            yield _example(method, path, operation, description)
            yield _table((code, answer["description"]) for code, answer in sorted(operation["responses"].items()))
            yield "</section>"


def _example(method: str, path: str, operation: Mapping[str, Any], description: Mapping[str, Any]) -> str:
    """Return how to ask with curl, where a request has a body and its schema an example."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    name = body.get("$ref", "").rpartition("/")[2]
    examples = description.get("components", {}).get("schemas", {}).get(name, {}).get("examples", [])
    if not examples:
        return ""
    sent = json.dumps(examples[0], indent=2).replace("'", "'\\''")
    command = f"curl -X {method.upper()} {path} -H 'Content-Type: application/json' -d '{sent}'"
    return f"<pre>{escape(command)}</pre>"


def _table(rows: Iterator[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><td><code>{escape(name)}</code><td>{_inline(text)}" for name, text in rows)
    return f"<table>{cells}</table>" if cells else ""


def _prose(text: str) -> str:
    return "".join(f"<p>{_inline(paragraph)}</p>" for paragraph in text.split("\n\n"))


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
