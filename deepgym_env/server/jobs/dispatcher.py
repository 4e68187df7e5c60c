"""What a server does for jobs as long as it runs.

- :class:`Dispatcher`: claims items as the engine has room, has them judged, writes what they came to.
- :func:`jobs_running`: have one.

One thread talks to the database, one call at a time: it renews the lease before anything is claimed, and when the
database was away, what was judged meanwhile is written afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import socket
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from deepgym_env.errors import DatabaseError
from deepgym_env.fleet import IN_FLIGHT
from deepgym_env.result import RunResult
from deepgym_env.server.jobs.judging import Judging, Outcome
from deepgym_env.server.services import Services
from deepgym_env.server.store.job_queue import Claimed, JobQueue, Key
from deepgym_env.server.store.job_tables import LOST_TWICE
from deepgym_env.server.store.jobs import JobStore

__all__ = ["Dispatcher", "jobs_running"]

_T = TypeVar("_T")
_P = ParamSpec("_P")

_POLL = 0.5  # seconds between two looks for items when there were none
_PACE = 0.05  # seconds in which what items come to is gathered, to be written at once
_IN_HAND = 4  # items held for each that is judged, so that none waits for the database
_RETRY = (0.1, 5.0)  # seconds until the database is tried again: at first, and at most
_CLOSING = 10.0  # seconds to tell the database that this server ends
_HOUSEKEEPING = 60.0

_logger = logging.getLogger(__name__)


class Dispatcher:
    """Judges items of jobs, as many at a time as the engine has room for."""

    def __init__(self, services: Services) -> None:
        """Use a server's parts; nothing is done yet."""
        self.name = f"{socket.gethostname()[:20]}-{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._queue = JobQueue(services.database, self.name)
        self._store = JobStore(services.database)
        self._judging = Judging(services, self._queue)
        self._services = services
        self._settings = services.settings
        at_a_time = services.engine.workers * IN_FLIGHT
        self._slots = asyncio.Semaphore(at_a_time)
        self._room = _IN_HAND * at_a_time
        self._held: dict[Key, Claimed] = {}
        self._running: dict[asyncio.Task[None], set[Key]] = {}
        self._outcomes: dict[Key, Outcome] = {}
        self._woken = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="deepgym-jobs")
        self._renewed = self._looked = self._cleaned = float("-inf")

    async def run(self) -> None:
        """Judge until cancelled; whatever the database does."""
        pause = _RETRY[0]
        while True:
            try:
                await self._round()
                pause = _RETRY[0]
            except Exception as error:
                unforeseen = not isinstance(error, DatabaseError)
                _logger.warning("jobs go on in %.1f s: %s", pause, error, exc_info=unforeseen)
                self._renewed = float("-inf")  # first of all, it is to be seen what this server still holds
                await asyncio.sleep(pause)
                pause = min(2 * pause, _RETRY[1])

    async def close(self) -> None:
        """Write what was judged, and let others have the rest."""
        running = list(self._running)
        self._running.clear()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        try:
            await asyncio.wait_for(self._leave(), _CLOSING)
        except Exception as error:
            _logger.warning("what this server held waits for the end of its lease: %s", error or "no answer in time")
        self._thread.shutdown(wait=False)

    async def _round(self) -> None:
        if self._due(self._renewed, self._settings.job_lease / 3):
            await self._renew()
        await self._write()
        has_room = len(self._held) <= self._room * 3 // 4 and not self._services.drain.draining
        if has_room and self._due(self._looked, _POLL):
            await self._claim()
        if self._due(self._cleaned, _HOUSEKEEPING):
            await self._clean()
        self._woken.clear()
        if not self._outcomes:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._woken.wait(), min(_POLL, self._settings.job_lease / 3))
        await asyncio.sleep(_PACE)

    def _due(self, last: float, seconds: float) -> bool:
        return time.monotonic() - last >= seconds

    async def _renew(self) -> None:
        began = time.monotonic()
        theirs = await self._call(self._queue.renew, self._settings.job_lease)
        self._renewed = began
        self._drop(self._held.keys() - theirs)
        for job_id, position in theirs - self._held.keys():  # claimed by a call whose answer was lost
            await self._call(self._queue.put_back, job_id, {position: 0.0}, failed=False)
        await self._call(self._queue.reap)
        self._services.job_items = await self._call(self._store.depth)

    async def _claim(self) -> None:
        suspect = not any(item.lost >= LOST_TWICE for item in self._held.values())
        wanted = self._room - len(self._held)
        claimed = await self._call(self._queue.claim, wanted, suspect=suspect)
        if len(claimed) < wanted:
            self._looked = time.monotonic()
        self._drop(self._held.keys() & {item.key for item in claimed})  # it was lost meanwhile, and came back
        same = defaultdict(list)
        for item in claimed:
            self._held[item.key] = item
            same[item.job_id, item.task, item.completion, item.lost].append(item)
        for items in same.values():  # equal ones are judged once
            keys = {item.key for item in items}
            task = asyncio.create_task(self._judge(items[0], keys))
            self._running[task] = keys
            task.add_done_callback(self._ended)

    async def _judge(self, item: Claimed, keys: set[Key]) -> None:
        async with self._slots:
            outcome = await self._judging.outcome(item)
        self._outcomes.update((key, outcome) for key in keys)
        self._woken.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """See to items that nobody judges any more: when the engine is closed, what it does is cancelled."""
        keys = self._running.pop(task, None)
        if not keys or not (task.cancelled() or task.exception()):
            return
        reason = "the engine was closed" if task.cancelled() else f"an error of the server's: {task.exception()!r}"
        result = RunResult(task_id="", status="infrastructure_error", cases=(), details=reason)
        self._outcomes.update((key, Outcome(result, final=False)) for key in keys)
        self._woken.set()

    def _drop(self, keys: set[Key]) -> None:
        """Forget items that are no longer this server's, and end what runs for none but them."""
        for key in keys:
            del self._held[key]
            self._outcomes.pop(key, None)
        for task, waiting in self._running.items():
            waiting -= keys
            if not waiting:
                task.cancel()

    async def _write(self) -> None:
        """Write what items came to, a transaction for each job."""
        jobs: defaultdict[str, dict[int, Outcome]] = defaultdict(dict)
        for (job_id, position), outcome in self._outcomes.items():
            jobs[job_id][position] = outcome
        for job_id, outcomes in jobs.items():
            await self._write_job(job_id, outcomes)

    async def _write_job(self, job_id: str, outcomes: dict[int, Outcome]) -> None:
        pauses: dict[int, float] = {}
        for position, outcome in outcomes.items():
            failures = self._held[job_id, position].failures
            if not outcome.final and failures + 1 < self._settings.job_attempts:
                pauses[position] = self._settings.job_pause * 2**failures
        answered = {position: outcome for position, outcome in outcomes.items() if position not in pauses}
        if answered:
            await self._call(self._answer, job_id, answered)
        if pauses:
            await self._call(self._queue.put_back, job_id, pauses)
        self._count([outcome.result for outcome in answered.values()])
        for position in outcomes:
            del self._outcomes[job_id, position], self._held[job_id, position]

    def _answer(self, job_id: str, outcomes: dict[int, Outcome]) -> None:
        self._queue.answer(job_id, {position: outcome.answer() for position, outcome in outcomes.items()})

    def _count(self, results: Sequence[RunResult]) -> None:
        self._services.metrics.judged(results)
        if any(result.has_verdict for result in results):
            self._services.readiness.judged()

    async def _clean(self) -> None:
        self._cleaned = time.monotonic()
        while await self._call(self._store.purge, self._settings.job_retention):
            pass
        await self._call(self._queue.forget_servers, self._settings.job_lease)

    async def _leave(self) -> None:
        await self._write()
        await self._call(self._queue.release)

    async def _call(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        work = functools.partial(call, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


@contextlib.asynccontextmanager
async def jobs_running(services: Services) -> AsyncIterator[None]:
    """Judge items of jobs meanwhile; at the end let other servers have what isn't done."""
    dispatcher = Dispatcher(services)
    running = asyncio.create_task(dispatcher.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await dispatcher.close()
