"""What happens to a job, as server-sent events.

- :func:`follow`
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from fastapi.sse import ServerSentEvent

from deepgym_env.errors import DatabaseError
from deepgym_env.remote.wire import Job
from deepgym_env.server.store.jobs import JobStore

__all__ = ["follow"]

_PAGE = 100
_PAUSES = (0.1, 2.0)  # between two looks: the least, and the most when nothing happens

_logger = logging.getLogger(__name__)


async def follow(
    store: JobStore, job_id: str, after: int, stopping: Callable[[], bool] = lambda: False
) -> AsyncIterator[ServerSentEvent]:
    """Yield a job's results in the order in which they were written, how far it is, and its end.

    The store is looked at again and again, so that it doesn't matter which server judges.

    Args:
        store: Where the job is.
        job_id: The job.
        after: The number of the last result that is known; 0 at the beginning.
        stopping: Whether the server ends: then so does this, and goes on at another server.
    """
    shown: Job | None = None
    pause = _PAUSES[0]
    while not stopping():
        try:
            news = await asyncio.to_thread(store.news, job_id, after, _PAGE)
        except DatabaseError as error:  # the database is away: the client needn't know
            _logger.warning("can't look at job %s: %s", job_id, error)
            await asyncio.sleep(_PAUSES[1])
            continue
        if news is None:
            return
        job, results = news
        for after, result in results:
            yield ServerSentEvent(event="result", id=str(after), data=result)
        if job != shown:
            yield ServerSentEvent(event="progress", data=job)
        if job.finished is not None and len(results) < _PAGE:
            yield ServerSentEvent(event="end", data=job)
            return
        pause = _PAUSES[0] if job != shown else min(pause * 1.5, _PAUSES[1])
        shown = job
        await asyncio.sleep(0 if len(results) == _PAGE else pause)
