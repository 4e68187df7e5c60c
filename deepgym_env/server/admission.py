"""What is refused before it is read: by its host, its origin, its type, its size, or because the server goes down.

- :class:`Admission`: ASGI middleware.
"""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deepgym_env.server.drain import Drain
from deepgym_env.server.problems import problem

__all__ = ["Admission"]

_HERE = {"localhost", "127.0.0.1", "::1"}
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_PATIENCE = 5.0  # seconds a client that was refused may take to send the rest
_CHANGING = {"POST", "PUT", "PATCH"}


class Admission:
    """Refuses requests by their headers, and bodies that grow too large.

    A page in a browser on this machine can send requests here too. Without keys nothing but their headers tells
    them from others: a host that isn't this machine's (DNS rebinding), an origin that isn't this server's, a type
    that a form can have. Nor may a proxy on this machine, which often names it as the host, let in whoever asks it.
    """

    def __init__(self, app: ASGIApp, *, drain: Drain, max_body: int, open_to_all: bool) -> None:
        """Stand before ``app``.

        Args:
            app: What answers.
            drain: Whether the server is to go down.
            max_body: Bytes a request's body may have.
            open_to_all: Whether nobody is asked for a key.
        """
        self._app = app
        self._drain = drain
        self._max_body = max_body
        self._open = open_to_all

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope["method"], headers)
        if refusal is not None:
            if _has_body(headers) and "expect" not in headers and _length(headers) <= 2 * self._max_body:
                await _discard(receive, 2 * self._max_body)
            await refusal(scope, receive, send)
        elif scope["method"] in _CHANGING:
            with self._drain.working():
                await self._app(scope, _Limited(receive, self._max_body), send)
        else:
            await self._app(scope, _Limited(receive, self._max_body), send)

    def _refusal(self, method: str, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        if self._open and _name(host) not in _HERE:
            return problem(
                403,
                f"this server asks for no key, so it answers only to localhost, 127.0.0.1 and [::1], not to {host!r}: "
                "`deepgym keys create` makes a key",
            )
        forwarded = [name for name in _FORWARDED if name in headers]
        if self._open and forwarded:
            return problem(
                403,
                f"this server asks for no key, so it answers nothing that a proxy passes on, which {forwarded[0]!r} "
                "tells: `deepgym keys create` makes a key",
            )
        origin = headers.get("origin")
        if origin is not None and _place(origin) != host:
            return problem(403, f"pages of {origin!r} may not use this server")
        if method in _CHANGING:
            return self._refused_body(headers)
        return None

    def _refused_body(self, headers: Headers) -> Response | None:
        if self._drain.draining:
            return problem(503, "the server is going down; ask again", headers={"Retry-After": "5"})
        if not _has_body(headers):
            return None
        if _length(headers) > self._max_body:
            return problem(413, _too_large(self._max_body))
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if not _is_json(kind):
            return problem(415, f"the body must be application/json, got {kind!r}")
        if headers.get("content-encoding", "identity").lower() != "identity":
            return problem(415, f"the body must not be encoded, got {headers['content-encoding']!r}")
        return None


class _Limited:
    """A request's body that may not grow too large, whatever its headers say."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._read = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            if self._read > self._limit:
                await _discard(self._receive, self._limit)
                raise HTTPException(413, _too_large(self._limit), {"Connection": "close"})
        return message


async def _discard(receive: Receive, most: int) -> None:
    """Read what a client is still sending: one that hasn't been read may miss the answer."""

    async def read() -> None:
        left = most
        while left > 0:
            message = await receive()
            left -= len(message.get("body", b""))
            if not message.get("more_body", False):
                return

    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(read(), _PATIENCE)


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _length(headers: Headers) -> int:
    """Return how long a body says it is; 0 where it doesn't."""
    told = headers.get("content-length", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 20 else 0


def _name(host: str) -> str:
    """Return the name in a Host header."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _place(origin: str) -> str | None:
    """Return the host and port of an Origin header; None if it has none."""
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None


def _is_json(kind: str) -> bool:
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _too_large(limit: int) -> str:
    return f"the body may have {limit} bytes: send fewer submissions at a time"
