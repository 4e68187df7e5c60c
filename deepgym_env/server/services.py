"""What the routes share.

- :class:`Services`; :func:`services_of` a request's application.
- :meth:`Services.ask`: how a route uses the engine, which has an event loop of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import Request

from deepgym_env.blocking import DeepGym
from deepgym_env.server.limits import Capacity, Throttles
from deepgym_env.server.settings import Settings
from deepgym_env.server.store.keys import KeyStore

if TYPE_CHECKING:
    from deepgym_env.engine import AsyncDeepGym
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
        keys: Who may use it.
        keys_required: Whether a request needs one; settled when the server starts.
        throttles: How much each key may ask for.
        capacity: How much all may ask for together.
    """

    settings: Settings
    engine: DeepGym
    database: Database
    keys: KeyStore = field(init=False)
    keys_required: bool = field(init=False)
    throttles: Throttles = field(init=False)
    capacity: Capacity = field(init=False)

    def __post_init__(self) -> None:
        """Make the parts that follow from the others."""
        self.keys = KeyStore(self.database)
        asked = self.settings.keys_required
        self.keys_required = self.keys.any() if asked is None else asked
        settings = self.settings
        self.throttles = Throttles(settings.key_concurrency, settings.key_rate, settings.key_burst)
        self.capacity = Capacity(settings.max_queue)

    async def ask(self, ask: Callable[[AsyncDeepGym], Coroutine[Any, Any, _T]]) -> _T:
        """Run ``ask(engine)`` on the engine's event loop, and wait for what it returns on this one."""
        return await asyncio.wrap_future(self.engine.submit(ask))


def services_of(request: Request) -> Services:
    """Return the parts of the server a request came to: a dependency."""
    services: Services = request.app.state.services
    return services
