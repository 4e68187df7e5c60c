"""What is known of a request once it is answered: a line in the log, a count, an id.

- :class:`Observing`: ASGI middleware; :func:`note`: what a route adds to the line.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deepgym_env.server.metrics import Metrics
from deepgym_env.server.problems import problem

__all__ = ["Observing", "note"]

_LOG = logging.getLogger("deepgym.server")
_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_FACTS = "deepgym.facts"
_QUIET = {"/healthz", "/readyz", "/metrics"}


def note(scope: Scope, **facts: Any) -> None:
    """Add facts to the line of a request: numbers and ids, never what somebody wrote."""
    scope.setdefault(_FACTS, {}).update(facts)


class Observing:
    """Gives every request an id, logs and counts its answer, and answers where a bug of ours left none."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        """Watch ``app``."""
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, request_id = time.perf_counter(), 0, _id_of(scope)

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        note(scope, request=request_id)
        try:
            await self._app(scope, receive, tell)
        except Exception:
            _LOG.exception("a bug in deepgym; please report it", extra={"facts": {"request": request_id}})
            if status:
                raise
            told = f"this is a bug in deepgym: the server's log has it under the request id {request_id}"
            await problem(500, told)(scope, receive, tell)
        finally:
            self._count(scope, status, time.perf_counter() - began)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.answered(route, method, status, seconds)
        facts = {
            "method": method,
            "route": route,
            "status": status,  # 0: the client went away before the answer
            "ms": round(seconds * 1000, 1),
            "key": getattr(scope.get("state", {}).get("caller"), "id", ""),
            **scope.get(_FACTS, {}),
        }
        _LOG.log(logging.DEBUG if route in _QUIET else logging.INFO, "request", extra={"facts": facts})


def _id_of(scope: Scope) -> str:
    """Return the id a client gave a request, or a new one."""
    given = Headers(scope=scope).get("x-request-id", "")
    return given if _ID.fullmatch(given) else uuid.uuid4().hex
