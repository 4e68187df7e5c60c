"""Judging one item of a job.

- :class:`Judging`; :class:`Outcome`: what an item came to.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass

from deepgym_env.benchmarks.compression import compress, decompress
from deepgym_env.errors import ConfigError, DatabaseError, DeepGymError, TaskError
from deepgym_env.judge.not_run import not_run
from deepgym_env.remote.wire import Verdict
from deepgym_env.result import RunResult
from deepgym_env.server.jobs.submission import name_of, task_of
from deepgym_env.server.services import Services
from deepgym_env.server.store.job_queue import Answer, Claimed, JobQueue
from deepgym_env.server.store.job_tables import LOST_TWICE
from deepgym_env.server.tasks import TaskShelf
from deepgym_env.task import SubmissionTask

__all__ = ["Judging", "Outcome"]

_TASKS = 64
_RETRY = 1.0  # seconds until a task is read again that the database didn't give

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an item came to.

    Attributes:
        final: Whether trying again is of no use.
    """

    result: RunResult
    final: bool

    def answer(self) -> Answer:
        """Return it as it is written."""
        verdict = Verdict.of(self.result)
        return Answer(compress(verdict.model_dump_json().encode()), verdict.has_verdict)


class Judging:
    """Judges items with a server's engine; the same submission has the same verdict as anywhere else."""

    def __init__(self, services: Services, queue: JobQueue) -> None:
        """Use a server's engine, and the queue for the tasks."""
        self._services = services
        self._queue = queue
        self._tasks: OrderedDict[tuple[str, int], SubmissionTask] = OrderedDict()
        self._loading = asyncio.Lock()

    async def outcome(self, item: Claimed) -> Outcome:
        """Judge an item. Whatever goes wrong that isn't the submission's fault is no verdict."""
        most = max(self._services.settings.job_attempts, LOST_TWICE + 1)  # once as a suspect, when no other is blamed
        reason = f"given up: {item.lost} servers ended while they judged this"
        if item.lost > most:  # even when it was to be given up: not even its task can be loaded
            return Outcome(_without_cases(await self._record(item), reason), final=True)
        task = await self._task(item)
        if isinstance(task, Outcome):
            return task
        if item.lost == most:
            return Outcome(not_run(task, "infrastructure_error", reason), final=True)
        try:
            code = await asyncio.to_thread(lambda: decompress(item.completion).decode("utf-8", "surrogatepass"))
            result = await self._services.ask(lambda engine: engine.run(task, code))
        except Exception as error:
            if not isinstance(error, DeepGymError):
                _logger.exception("item %d of job %s can't be judged", item.position, item.job_id)
            result = not_run(task, "infrastructure_error", f"{type(error).__name__}: {error}")
        return Outcome(result, final=result.has_verdict)

    async def _task(self, item: Claimed) -> SubmissionTask | Outcome:
        """Return an item's task: the same object while it is in use, for judges are made once per object."""
        key = item.job_id, item.task
        async with self._loading:
            if key not in self._tasks:
                task = await asyncio.to_thread(_load, await self._record(item), self._services.tasks)
                if isinstance(task, Outcome):
                    return task
                self._tasks[key] = task
                if len(self._tasks) > _TASKS:
                    self._tasks.popitem(last=False)
            self._tasks.move_to_end(key)
            return self._tasks[key]

    async def _record(self, item: Claimed) -> bytes:
        while True:
            try:
                return await asyncio.to_thread(self._queue.task, item.job_id, item.task)
            except DatabaseError as error:  # no fault of the item's: it waits until the database is back
                _logger.warning("the task of an item of job %s can't be read: %s", item.job_id, error)
                await asyncio.sleep(_RETRY)


def _load(record: bytes, shelf: TaskShelf) -> SubmissionTask | Outcome:
    try:
        return task_of(record, shelf)
    except Exception as error:
        known = isinstance(error, TaskError | ConfigError)
        reason = str(error) if known else f"the task can't be loaded: {type(error).__name__}: {error}"
        if not known:
            _logger.exception("the task %r of a job can't be loaded", name_of(record))
        return Outcome(_without_cases(record, reason), final=known)


def _without_cases(record: bytes, reason: str) -> RunResult:
    """Return the result of an item whose task isn't there."""
    return RunResult(task_id=name_of(record), status="infrastructure_error", cases=(), details=reason)
