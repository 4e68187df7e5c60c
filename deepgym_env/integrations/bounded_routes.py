"""FastAPI routes for what models write: of any length, and text that is no UTF-8. Needs FastAPI.

- :class:`BoundedRoute`: refuses bodies that are too long, and says what is wrong with one without repeating it.
- :class:`AsciiResponse`: JSON that holds any text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.types import Message

__all__ = ["LARGEST_BODY", "AsciiResponse", "BoundedRoute"]

LARGEST_BODY = 64 << 20


class AsciiResponse(JSONResponse):
    """JSON with everything else escaped, half characters too, which UTF-8 has no bytes for."""

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


class BoundedRoute(APIRoute):
    """A route that stops reading a body of more than ``LARGEST_BODY`` bytes: 413.

    What is wrong with one it can't use is told in a line (422); FastAPI would send the body back, and fail where
    it holds what JSON can't.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        handle = super().get_route_handler()

        async def bounded(request: Request) -> Response:
            taken = 0

            async def receive() -> Message:
                nonlocal taken
                message = await request.receive()
                taken += len(message.get("body", b""))
                if taken > LARGEST_BODY:
                    raise HTTPException(413, f"a request must be no longer than {LARGEST_BODY} bytes")
                return message

            try:
                return await handle(Request(request.scope, receive))
            except RequestValidationError as error:
                raise HTTPException(422, "; ".join(map(_told, error.errors()))) from error

        return bounded


def _told(fault: Any) -> str:
    place = ".".join(str(part) for part in fault["loc"][1:]) or "the body"
    return ascii(f"{place}: {fault['msg']}")[1:-1]
