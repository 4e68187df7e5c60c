"""Work a request waits for.

- :func:`wanted`: do it as long as the client is there, and the server has time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import HTTPException, Request

from deepgym_env.server.services import Services

__all__ = ["wanted"]

_T = TypeVar("_T")


async def wanted(request: Request, services: Services, work: Coroutine[Any, Any, _T]) -> _T:
    """Return what ``work`` returns; cancel it when nobody waits for it any more.

    Args:
        request: Who waits; its body has been read.
        services: The server's parts.
        work: What to do.

    Raises:
        HTTPException: If the client went away, or the time to go down is up.
    """
    doing = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    ending = asyncio.ensure_future(services.drain.over.wait())
    try:
        await asyncio.wait({doing, leaving, ending}, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return doing.result()
        if ending.done():
            told = "the server is going down and nothing was decided; ask again"
            raise HTTPException(503, told, {"Retry-After": "5"})
        raise HTTPException(499, "the client went away")
    finally:
        for task in (doing, leaving, ending):
            task.cancel()
        for task in (doing, leaving, ending):
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task


async def _left(request: Request) -> None:
    """Wait until the client is gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
