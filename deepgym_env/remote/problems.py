"""What a server's answers mean that are no results.

- :func:`error_of`: the error an answer stands for; :func:`asks_for_patience`: whether it asks for one later.
- :func:`pause_asked_for`: how much later; :func:`reason_of`: why, in a sentence.
- :data:`REFUSED_FOR_NOW`: statuses of a server that did nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from pydantic import ValidationError

from deepgym_env.errors import (
    ConfigError,
    DeepGymError,
    RemoteAccessError,
    RemoteError,
    UnknownTaskError,
)
from deepgym_env.remote.wire import Problem

if TYPE_CHECKING:
    import httpx

__all__ = [
    "REFUSED_FOR_NOW",
    "Meaning",
    "asks_for_patience",
    "error_of",
    "pause_asked_for",
    "reason_of",
]

Meaning = Callable[[int, str], DeepGymError | None]
"""Given a status and the server's sentence, returns the error they stand for, or None."""

REFUSED_FOR_NOW = (429, 503)
_LATER = (*REFUSED_FOR_NOW, 502, 504)
_NO_ROUTE = ("nothing is at", "Not Found", "Method Not Allowed")
_SHOWN = 300  # characters of an answer that is no problem of ours
_LONGEST = 600.0


def asks_for_patience(answer: httpx.Response) -> bool:
    """Return whether the server, or what stands before it, is not ready for the request, and may be later."""
    return answer.status_code in _LATER


def pause_asked_for(answer: httpx.Response) -> float:
    """Return the seconds ``Retry-After`` asks for, 0 if it doesn't."""
    asked: str = answer.headers.get("retry-after", "").strip()
    try:
        seconds = float(asked) if asked.replace(".", "", 1).isdigit() else _seconds_until(asked)
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), _LONGEST)


def _seconds_until(date: str) -> float:
    return (parsedate_to_datetime(date) - datetime.now(timezone.utc)).total_seconds()


def reason_of(answer: httpx.Response) -> str:
    """Return why there is no result, in the server's words."""
    problem = _problem(answer)
    return problem.detail if problem is not None else f"it answered {answer.status_code}"


def error_of(answer: httpx.Response, url: str, meaning: Meaning | None = None) -> DeepGymError:
    """Return the error an answer stands for.

    Args:
        answer: The answer; not a success.
        url: The server's address.
        meaning: What statuses stand for where this request was sent, before what they stand for elsewhere.
    """
    status = answer.status_code
    problem = _problem(answer)
    if meaning is not None and problem is not None and not problem.detail.startswith(_NO_ROUTE):
        error = meaning(status, problem.detail)
        if error is not None:
            return error
    if status == 401:
        return RemoteAccessError(f"{url} asks for a key: give api_key=, or set DEEPGYM_API_KEY{_said(problem)}")
    if status == 403:
        return RemoteAccessError(f"{url} doesn't allow this key that{_said(problem)}")
    if status == 413:
        return ConfigError(f"{url} takes no request this large{_said(problem)}")
    if answer.has_redirect_location:
        return RemoteError(f"{url} sends its callers on to {answer.headers['location']}: give that address")
    if problem is None:
        return RemoteError(
            f"{url} doesn't answer as a DeepGym server does ({status} to {answer.request.method} "
            f"{answer.request.url.path}: {_shown(answer)}): check the address, with the path it may have"
        )
    if status in (404, 405) and problem.detail.startswith(_NO_ROUTE):
        return RemoteError(f"{url} has no {answer.request.url.path}: check the address, and the server's version")
    return _of_problem(status, problem.detail)


def _of_problem(status: int, detail: str) -> DeepGymError:
    if status == 404:
        error = UnknownTaskError("", ())
        error.args = (detail,)
        return error
    return ConfigError(detail) if status in (400, 409, 415, 422) else RemoteError(detail)


def _problem(answer: httpx.Response) -> Problem | None:
    if "problem+json" not in answer.headers.get("content-type", ""):
        return None
    try:
        return Problem.model_validate_json(answer.content)
    except ValidationError:
        return None


def _said(problem: Problem | None) -> str:
    return f" ({problem.detail})" if problem is not None and problem.detail else ""


def _shown(answer: httpx.Response) -> str:
    text = " ".join(answer.text.split())
    return repr(text[:_SHOWN])
