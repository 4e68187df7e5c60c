"""What went wrong, told as RFC 9457 has it: ``application/problem+json``.

- :func:`problem`: such an answer; :func:`answer_problems`: have an application give no other.
- :func:`database_away`: what everybody is told when the database fails.
- :func:`declared`: the errors of a route, for its description.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http.client import responses
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from gymnasium.error import ResetNeeded
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from deepgym_env.errors import (
    ClosedError,
    ConfigError,
    DatabaseError,
    DeepGymError,
    RefusedError,
    SandboxError,
    StoreError,
    TaskError,
    UnknownSessionError,
    UnknownTaskError,
)
from deepgym_env.remote.wire import Problem

__all__ = ["answer_problems", "database_away", "declared", "problem"]

_LOG = logging.getLogger("deepgym.server")
_LONG, _PART = 2000, 200  # characters of a message, and of what it quotes
_MOST = 20  # wrong fields told of
_RETRY = {"Retry-After": "5"}
_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")

# The first that fits counts.
_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (StoreError, 500),
    (UnknownTaskError, 404),
    (UnknownSessionError, 404),
    (RefusedError, 422),
    (ClosedError, 409),
    (ResetNeeded, 409),
    (SandboxError, 503),
    (TaskError, 422),
    (ConfigError, 422),
    (DeepGymError, 422),
)

_DECLARED = {
    400: "The body is no JSON.",
    401: "There is no key, or it isn't known.",
    403: "The key isn't allowed to do that.",
    404: "There is no such thing.",
    409: "It is over, or not yet begun.",
    413: "The request is too large.",
    415: "The request isn't JSON.",
    422: "A field is wrong; `errors` says which.",
    429: "The key has asked for too much; `Retry-After` says when to ask again.",
    503: "The server is busy, going down, or its sandbox fails; `Retry-After` says when to ask again.",
}


def declared(*more: int) -> dict[int | str, dict[str, Any]]:
    """Return the errors a route may answer, as FastAPI wants them: what every route may, and ``more``.

    A route that may answer 413 reads a body, which may be no JSON.
    """
    statuses = {401, 403, 429, 503, *more} | ({400} if 413 in more else set())
    return {status: {"model": Problem, "description": _DECLARED[status]} for status in sorted(statuses)}


def problem(
    status: int, detail: str, *, errors: Sequence[Mapping[str, Any]] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer that says what went wrong; text that is too long or can't be sent is mended."""
    title = responses.get(status, "The client went away")
    told = Problem(title=title, status=status, detail=_shown(detail, _LONG), errors=list(errors))
    return Response(told.model_dump_json(), status, headers=dict(headers or {}), media_type="application/problem+json")


def database_away(error: Exception) -> Response:
    """Return the answer; what the database said, which names where it is, is for the log."""
    _LOG.error("the database is away: %s", error)
    return problem(503, "the database is away; nothing was lost, ask again", headers=_RETRY)


def answer_problems(app: FastAPI) -> None:
    """Have every error of an application answered as a problem."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(OperationalError, _database)
    app.add_exception_handler(DatabaseError, _database)
    app.add_exception_handler(UnicodeEncodeError, _half)
    for kind in {kind for kind, _ in _STATUS}:
        app.add_exception_handler(kind, _expected)


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    detail = str(error.detail)
    if error.status_code == 400 and error.__cause__ is not None:
        detail = f"the body is no JSON: {_why(error.__cause__)}"
    elif detail == "Not Found":
        detail = f"nothing is at {request.url.path!r}: /openapi.json says what there is"
    elif detail == "Method Not Allowed":
        methods = ", ".join(_methods(request))
        told = f"{request.method} can't be asked of {request.url.path!r}: only {methods}"
        return problem(405, told, headers={"Allow": methods})
    return problem(error.status_code, detail, headers=error.headers)


def _methods(request: Request) -> list[str]:
    """Return what may be asked of a path: a route that refuses a method knows of no other route's."""
    return [
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]


def _why(cause: BaseException) -> str:
    """Return why a body can't be read."""
    if isinstance(cause, RecursionError):
        return "it is nested too deeply"
    if isinstance(cause, UnicodeDecodeError):
        return f"it is not {cause.encoding} (byte {cause.start})"
    return str(cause)


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    found = error.errors()
    if found and found[0]["type"] == "json_invalid":
        reason = f"{found[0]['ctx']['error']} (character {found[0]['loc'][-1]})"
        return problem(400, f"the body is no JSON: {reason}")
    errors = [
        {"field": [_part(part) for part in each["loc"]], "message": _shown(str(each["msg"]), _PART * 2)}
        for each in found[:_MOST]
    ]
    first = "; ".join(f"{'.'.join(map(str, each['field']))}: {each['message']}" for each in errors[:3])
    more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
    return problem(422, f"{first}{more}", errors=errors)


def _part(part: object) -> str | int:
    """Return a part of a field's path, which may be a key of the client's own."""
    return part if isinstance(part, int) else _shown(str(part), _PART)


async def _half(request: Request, error: Exception) -> Response:
    return problem(422, f"a text that must be Unicode holds half a character: {error}")


async def _database(request: Request, error: Exception) -> Response:
    return database_away(error)


async def _expected(request: Request, error: Exception) -> Response:
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    if status == 500:
        _LOG.error("%s", error)
        return problem(500, "the file of that benchmark is damaged; the server's log says how to mend it")
    drain = request.app.state.services.drain
    if isinstance(error, ClosedError) and drain.draining:
        return problem(503, "the server is going down; ask again", headers=_RETRY)
    return problem(status, str(error), headers=_RETRY if status == 503 else None)


def _shown(text: str, limit: int) -> str:
    """Return text that can be sent, cut to ``limit`` characters."""
    text = text if len(text) <= limit else f"{text[:limit]}…"
    return text.encode("utf-8", "backslashreplace").decode()
