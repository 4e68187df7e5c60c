"""The tasks that requests name.

- :class:`TaskShelf`: finds them, and keeps those that came by value for the next request.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from deepgym_env.benchmarks.records import from_text
from deepgym_env.catalog import load_task
from deepgym_env.errors import ConfigError
from deepgym_env.remote.wire import Item
from deepgym_env.server.ceiling import Ceiling
from deepgym_env.task import AnyTask, SubmissionTask

__all__ = ["TaskShelf"]

_THREADS = 4
_CHARACTERS = 1 << 26  # of tasks by value that are kept


class TaskShelf:
    """Finds the tasks requests name; safe to share between threads.

    A task that comes by value again is the same object as before, so that what its judge has learnt is kept too.
    """

    def __init__(self, ceiling: Ceiling | None = None, characters: int = _CHARACTERS) -> None:
        """Hold nothing yet.

        Args:
            ceiling: How high the limits of tasks by value may be; None: as high as any.
            characters: How much text of tasks by value is kept.
        """
        self._ceiling = ceiling
        self._room = characters
        self._kept: OrderedDict[bytes, tuple[AnyTask, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="deepgym-tasks")

    def of_text(self, text: str) -> AnyTask:
        """Return a task by value.

        Raises:
            TaskError: If the text is none.
            ConfigError: If its limits are higher than they may be here.
        """
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        with self._lock:
            if digest in self._kept:
                self._kept.move_to_end(digest)
                return self._kept[digest][0]
        task = from_text(text)
        if self._ceiling is not None:
            self._ceiling.check_task(task)
        with self._lock:
            self._kept[digest] = (task, len(text))
            while sum(length for _, length in self._kept.values()) > self._room:
                self._kept.popitem(last=False)
        return task

    def find(self, name: str, seed: int, by_value: Mapping[str, str]) -> AnyTask:
        """Return the task of an id, or the one that came under that name.

        Raises:
            TaskError: If there is none, or it is broken.
        """
        return self.of_text(by_value[name]) if name in by_value else load_task(name, seed)

    def submissions(self, items: Sequence[Item], by_value: Mapping[str, str]) -> list[tuple[SubmissionTask, str]]:
        """Return what an engine is to judge.

        Raises:
            TaskError: If there is no such task, or it is broken.
            ConfigError: If it isn't answered by a submission.
        """
        found: dict[tuple[str, int], SubmissionTask] = {}
        for item in items:
            place = (item.environment, item.seed)
            if place not in found:
                found[place] = _answered(self.find(item.environment, item.seed, by_value))
        return [(found[item.environment, item.seed], item.completion) for item in items]

    async def found(self, items: Sequence[Item], by_value: Mapping[str, str]) -> list[tuple[SubmissionTask, str]]:
        """Return what :meth:`submissions` does, found on threads of its own.

        Thousands of seeds take minutes: meanwhile keys and the database are still asked.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.submissions, items, by_value)


def _answered(task: AnyTask) -> SubmissionTask:
    if not isinstance(task, SubmissionTask):
        raise ConfigError(
            f"{task.id!r} is a workspace task, worked on in many turns: POST /v1/sessions begins an episode of it"
        )
    return task
