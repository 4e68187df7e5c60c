"""What every request passes before its body is read.

- :class:`Gate`: ASGI middleware; ``app.add_middleware(Gate, services=services)``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deepgym_env.errors import DatabaseError
from deepgym_env.remote.wire import Problem
from deepgym_env.server.auth import identify
from deepgym_env.server.limits import Throttle
from deepgym_env.server.problems import database_away
from deepgym_env.server.services import Services

__all__ = ["Gate"]

_WAITING = "/run_code"
_PATIENCE, _PAUSE = 20.0, 0.05  # seconds; verl waits for 10 more than a program may take


class Gate:
    """Finds out who calls, once, and lets no key have more than its share.

    - A body of a caller who may do nothing is not read: 401. Requests without a body go on to their route, which
      may be open to all; :func:`~deepgym_env.server.auth.allowed` refuses them where it isn't.
    - More requests than the key may make: 429, with ``Retry-After``. verl takes that for a wrong answer, so at
      ``/run_code`` it comes only after a while in which no place was free.
    - The caller is in ``request.state.caller``, where ``allowed`` looks first.

    A request is under way until its response has been sent, or the caller has gone.
    """

    def __init__(self, app: ASGIApp, services: Services) -> None:
        """Stand before ``app``."""
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it."""
        if scope["type"] != "http" or not self._services.keys_required:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            caller = await identify(self._services, headers)
        except HTTPException as error:
            answer = _problem(error.status_code, error.detail, error.headers) if _has_body(headers) else self._app
            await answer(scope, receive, send)
            return
        except DatabaseError as error:
            await database_away(error)(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        throttle = self._services.throttles.of(caller.id, caller.rate, caller.concurrency)
        await self._pass(throttle, scope, receive, send)

    async def _pass(self, throttle: Throttle, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = throttle.enter()
        waited = 0.0
        while refusal is not None and scope["path"] == _WAITING and waited < _PATIENCE:
            await asyncio.sleep(_PAUSE)
            waited += _PAUSE
            refusal = throttle.enter()
        if refusal is not None:
            headers = {"Retry-After": str(refusal.seconds), **throttle.headers()}
            await _problem(429, refusal.detail, headers)(scope, receive, send)
            return

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(throttle.headers())
            await send(message)

        try:
            await self._app(scope, receive, tell)
        finally:
            throttle.leave()


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _problem(status: int, detail: str, headers: Mapping[str, str] | None) -> Response:
    problem = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return JSONResponse(problem.model_dump(), status, headers, media_type="application/problem+json")
