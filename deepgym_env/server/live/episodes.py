"""The episodes a server keeps between requests, each for its owner.

- :class:`LiveSessions`
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from deepgym_env.episodes import EpisodeWriter
from deepgym_env.errors import ClosedError, UnknownSessionError
from deepgym_env.remote.wire_sessions import SessionState, StartSession
from deepgym_env.server.live.episode import LiveSession
from deepgym_env.server.live.seats import Seats
from deepgym_env.server.services import Services

__all__ = ["LiveSessions"]


class LiveSessions:
    """Keeps episodes by id; bound to one event loop.

    One that nobody asks for ends after the server's ``session_ttl``, since trainers don't always end theirs.
    """

    def __init__(self, services: Services, seats: Seats, log: EpisodeWriter | None, clock: Callable[[], float]) -> None:
        """Keep no episode yet; those that are over are written to ``log``."""
        self._services, self._seats, self._log, self._clock = services, seats, log, clock
        self._ttl = services.settings.session_ttl
        self._sessions: dict[str, LiveSession] = {}
        self._closed = False

    async def start(self, owner: str, started: StartSession) -> LiveSession:
        """Begin an episode.

        Raises:
            HTTPException: If there are as many as may be.
            UnknownTaskError: If there is no such task.
        """
        with self._seats.opening(owner):
            session = LiveSession(self._services, owner, started, self._log, self._clock)
            await session.begin()
            return await self._admit(session)

    async def fork(self, session: LiveSession) -> LiveSession:
        """Begin an episode that goes on from where another is."""
        with self._seats.opening(session.owner):
            return await self._admit(await session.fork())

    def get(self, owner: str, name: str) -> LiveSession:
        """Return an owner's episode.

        Raises:
            UnknownSessionError: If there is none of that id, or it is somebody else's.
        """
        session = self._sessions.get(name)
        if session is None or session.owner != owner or self._idle(session):
            raise UnknownSessionError(f"no session {name!a}: it was ended, or never begun")
        session.touched = self._clock()
        return session

    def of(self, owner: str) -> list[LiveSession]:
        """Return an owner's episodes, oldest first."""
        return [each for each in self._sessions.values() if each.owner == owner and not self._idle(each)]

    def state(self, session: LiveSession) -> SessionState:
        """Return where an episode is."""
        return session.state(self._ttl - (self._clock() - session.touched))

    async def end(self, session: LiveSession) -> None:
        """End an episode."""
        self._sessions.pop(session.id, None)
        await session.end()

    def held(self) -> Counter[str]:
        """Return how many each owner has."""
        return Counter(session.owner for session in self._sessions.values())

    async def sweep(self) -> int:
        """End the episodes nobody has asked for in their time to live; return how many."""
        idle = [session for session in self._sessions.values() if self._idle(session)]
        for session in idle:
            await self.end(session)
        return len(idle)

    async def aclose(self) -> None:
        """End them all; no more can be begun."""
        self._closed = True
        for session in list(self._sessions.values()):
            self._sessions.pop(session.id, None)
            await session.end(ClosedError("the server is going down"))

    def _idle(self, session: LiveSession) -> bool:
        return not session.busy and self._clock() - session.touched > self._ttl

    async def _admit(self, session: LiveSession) -> LiveSession:
        if self._closed:  # while it began
            await session.end()
            raise ClosedError("the server is going down")
        session.touched = self._clock()
        self._sessions[session.id] = session
        return session
