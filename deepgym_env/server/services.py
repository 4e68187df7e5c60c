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
from deepgym_env.errors import ClosedError
from deepgym_env.server.ceiling import Ceiling
from deepgym_env.server.drain import Drain
from deepgym_env.server.limits import Capacity, Throttles
from deepgym_env.server.metrics import Metrics
from deepgym_env.server.readiness import Readiness
from deepgym_env.server.settings import Settings
from deepgym_env.server.store.keys import KeyStore
from deepgym_env.server.tasks import TaskShelf

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
        drain: Whether it is to go down.
        readiness: Whether it can work.
        metrics: What it counts.
        ceiling: How high a limit a caller may set.
        tasks: Finds the tasks requests name.
        job_items: Items of jobs that wait or run, at all servers of the database, as of late.
        auditing: Held while a task is attacked: one at a time.
    """

    settings: Settings
    engine: DeepGym
    database: Database
    keys: KeyStore = field(init=False)
    keys_required: bool = field(init=False)
    throttles: Throttles = field(init=False)
    capacity: Capacity = field(init=False)
    drain: Drain = field(init=False)
    readiness: Readiness = field(init=False)
    metrics: Metrics = field(default_factory=Metrics)
    ceiling: Ceiling = field(init=False)
    tasks: TaskShelf = field(init=False)
    job_items: int = 0
    auditing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        """Make the parts that follow from the others."""
        self.keys = KeyStore(self.database)
        asked = self.settings.keys_required
        self.keys_required = self.keys.any() if asked is None else asked
        settings = self.settings
        self.throttles = Throttles(settings.key_concurrency, settings.key_rate, settings.key_burst)
        self.capacity = Capacity(settings.max_queue)
        self.ceiling = Ceiling(settings.max_memory_mb)
        self.tasks = TaskShelf(self.ceiling)
        self.drain = Drain(settings.drain_seconds)
        self.readiness = Readiness(self.database, self.engine)
        self.metrics.watch("deepgym_queue", "Submissions that wait or run.", lambda: self.capacity.used)
        self.metrics.watch("deepgym_queue_limit", "Submissions there is room for.", lambda: self.capacity.limit)
        self.metrics.watch("deepgym_job_items", "Items of jobs that wait or run.", lambda: self.job_items)
        self.metrics.watch("deepgym_workers", "Sandboxes side by side.", lambda: self.engine.workers)
        self.metrics.watch("deepgym_draining", "1 while the server goes down.", lambda: self.drain.draining)

    async def ask(self, ask: Callable[[AsyncDeepGym], Coroutine[Any, Any, _T]]) -> _T:
        """Run ``ask(engine)`` on the engine's event loop, and wait for what it returns on this one.

        Raises:
            ClosedError: If the engine is closed meanwhile.
        """
        answer = asyncio.wrap_future(self.engine.submit(ask))
        try:
            await asyncio.wait({answer})
        finally:
            answer.cancel()  # if nobody waits for it any more
        if answer.cancelled():
            raise ClosedError("the engine was closed while this ran")
        return answer.result()


def services_of(request: Request) -> Services:
    """Return the parts of the server a request came to: a dependency."""
    services: Services = request.app.state.services
    return services
