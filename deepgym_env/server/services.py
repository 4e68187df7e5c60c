"""What the routes share.

- :class:`Services`; :func:`services_of` a request's application.
- :meth:`Services.ask`: how a route uses the engine, which has an event loop of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import Request

from deepgym_env.blocking import DeepGym
from deepgym_env.server.settings import Settings

if TYPE_CHECKING:
    from deepgym_env.engine import AsyncDeepGym
    from deepgym_env.server.live.running import Live
    from deepgym_env.server.store.database import Database

__all__ = ["Services", "services_of"]

_T = TypeVar("_T")


@dataclass
class Services:
    """The parts of one server.

    Attributes:
        settings: How it behaves.
        engine: What judges; it outlives the requests.
        database: What outlives the server.
        live: The sessions it keeps, while it runs.
    """

    settings: Settings
    engine: DeepGym
    database: Database
    live: Live | None = None

    async def ask(self, ask: Callable[[AsyncDeepGym], Coroutine[Any, Any, _T]]) -> _T:
        """Run ``ask(engine)`` on the engine's event loop, and wait for what it returns on this one."""
        return await asyncio.wrap_future(self.engine.submit(ask))


def services_of(request: Request) -> Services:
    """Return the parts of the server a request came to: a dependency."""
    services: Services = request.app.state.services
    return services
