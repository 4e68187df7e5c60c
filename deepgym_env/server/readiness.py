"""Whether a server can work.

- :class:`Readiness`: what ``/readyz`` asks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from deepgym_env.blocking import DeepGym
from deepgym_env.errors import DeepGymError

if TYPE_CHECKING:
    from deepgym_env.server.store.database import Database

__all__ = ["Readiness"]

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
        found = {"database": database, "sandbox": sandbox}
        return {part: trouble for part, trouble in found.items() if trouble}

    def _ask_database(self) -> str:
        try:
            with self._database.begin() as session:
                session.execute(text("SELECT 1"))
        except (SQLAlchemyError, DeepGymError, OSError) as error:
            return str(error).splitlines()[0]
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
