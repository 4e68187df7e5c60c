"""The sessions of a server, from its start to its end.

- :class:`Live`: the episodes and workspaces there are; :func:`live_of` a request's application.
- :func:`sessions_running`: keeps them as long as the application runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable

from fastapi import HTTPException, Request

from deepgym_env.episodes import EpisodeWriter
from deepgym_env.errors import ClosedError, SandboxError
from deepgym_env.server.live.episodes import LiveSessions
from deepgym_env.server.live.seats import Seats
from deepgym_env.server.live.workspaces import LiveWorkspaces
from deepgym_env.server.services import Services

__all__ = ["Live", "live_of", "sessions_running"]

_SWEEP_SECONDS = 30.0
_LOG_NAME = "sessions.jsonl"
_log = logging.getLogger("deepgym.server")


class Live:
    """The episodes and workspaces there are.

    Attributes:
        sessions: The episodes.
        workspaces: The bare workspaces.
    """

    def __init__(self, services: Services, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep none yet; where the server has a folder of runs, episodes that are over are written there."""
        runs = services.settings.runs
        self._seats = Seats(services.settings.max_sessions, self.held)
        log = EpisodeWriter(runs / _LOG_NAME) if runs is not None else None
        self.sessions = LiveSessions(services, self._seats, log, clock)
        self.workspaces = LiveWorkspaces(services, self._seats, clock)

    def held(self) -> Counter[str]:
        """Return how many sessions each owner has."""
        return self.sessions.held() + Counter(self.workspaces.held())

    async def sweep(self) -> int:
        """End what nobody has asked for in its time to live; return how many sessions."""
        return await self.sessions.sweep() + await self.workspaces.sweep()

    async def aclose(self) -> None:
        """End them all; no more can be begun."""
        await self.sessions.aclose()
        with contextlib.suppress(ClosedError, SandboxError):
            await self.workspaces.aclose()


@contextlib.asynccontextmanager
async def sessions_running(services: Services, *, clock: Callable[[], float] = time.monotonic) -> AsyncIterator[Live]:
    """Keep sessions, end those that are idle, and all when the server goes down: a part of its lifespan.

    Args:
        services: The parts of the server.
        clock: Seconds that only grow.
    """
    live = Live(services, clock)
    services.metrics.watch("deepgym_sessions", "Episodes and workspaces kept.", lambda: live.held().total())

    async def sweep() -> None:
        while True:
            await asyncio.sleep(min(_SWEEP_SECONDS, services.settings.session_ttl / 4))
            try:
                await live.sweep()
            except (ClosedError, SandboxError) as error:
                _log.warning("idle sessions could not be ended: %s", error)

    async def end_in_time() -> None:
        await services.drain.over.wait()
        await live.aclose()

    tending = [asyncio.create_task(sweep()), asyncio.create_task(end_in_time())]
    try:
        yield live
    finally:
        for each in tending:
            each.cancel()
        await live.aclose()


def live_of(request: Request) -> Live:
    """Return the sessions of the server a request came to: a dependency."""
    live: Live | None = getattr(request.app.state, "live", None)
    if live is None:
        raise HTTPException(503, "the server is starting, or shutting down", {"Retry-After": "5"})
    return live
