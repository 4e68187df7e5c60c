"""Whether a server can work.

- :class:`Readiness`: what ``/readyz`` asks.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import text

from deepgym_env.blocking import DeepGym
from deepgym_env.errors import DeepGymError

if TYPE_CHECKING:
    from deepgym_env.server.store.database import Database

__all__ = ["Readiness"]

_LOG = logging.getLogger("deepgym.server")
_FRESH = 2.0  # seconds an answer is good for
_PATIENCE = 10.0  # seconds a sandbox may take to start
_RECENT = 60.0  # seconds: a sandbox that judged something is there, also when all are too busy to say so


class Readiness:
    """Whether the database answers and a sandbox starts; however many ask, each is asked once at a time."""

    def __init__(self, database: Database, engine: DeepGym, clock: Callable[[], float] = time.monotonic) -> None:
        """Know nothing yet."""
        self._database = database
        self._engine = engine
        self._clock = clock
        self._judged = -_RECENT
        self._asked: asyncio.Task[dict[str, str]] | None = None
        self._until = 0.0
        self._told: dict[str, str] = {}

    def judged(self) -> None:
        """Remember that a sandbox has just worked."""
        self._judged = self._clock()

    async def problems(self) -> dict[str, str]:
        """Return what is in the way, by part; nothing if the server can work."""
        if self._asked is None or (self._asked.done() and self._clock() >= self._until):
            self._asked = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asked)

    async def _ask(self) -> dict[str, str]:
        database, sandbox = await asyncio.gather(asyncio.to_thread(self._ask_database), self._ask_sandbox())
        self._until = self._clock() + _FRESH
        found = {part: trouble for part, trouble in (("database", database), ("sandbox", sandbox)) if trouble}
        if found != self._told:
            _LOG.log(
                logging.WARNING if found else logging.INFO, "not ready" if found else "ready", extra={"facts": found}
            )
            self._told = found
        return found

    def _ask_database(self) -> str:
        try:
            with self._database.read() as session:
                session.execute(text("SELECT 1"))
        except DeepGymError as error:
            return str(error)
        return ""

    async def _ask_sandbox(self) -> str:
        try:
            asked = asyncio.wrap_future(self._engine.submit(lambda engine: engine.isolation()))
            await asyncio.wait_for(asked, _PATIENCE)
        except asyncio.TimeoutError:
            busy = self._clock() - self._judged < _RECENT
            return "" if busy else f"no sandbox answered within {_PATIENCE:g} s"
        except asyncio.CancelledError:
            return "the engine is closed"
        except (DeepGymError, OSError) as error:
            return str(error)
        return ""
