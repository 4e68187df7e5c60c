"""How a client and a server come to mean the same task.

- :class:`TaskNames`: by its id where the server has the very same task, else by value.
- :class:`TaskName`: what stands for a task in a request.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from urllib.parse import quote

from deepgym_env.benchmarks.records import to_text
from deepgym_env.errors import TaskError, UnknownTaskError
from deepgym_env.remote.fingerprint import fingerprint_of
from deepgym_env.remote.http import Connection
from deepgym_env.task import AnyTask

__all__ = ["TaskName", "TaskNames"]

_KEPT = 128


@dataclass(frozen=True, slots=True)
class TaskName:
    """What stands for a task in a request.

    Attributes:
        name: Its id at the server, or a name of our own for one that is sent.
        seed: The seed its tests are drawn with there.
        text: The task by value; None if the server has it.
    """

    name: str
    seed: int
    text: str | None = None


class TaskNames:
    """Names tasks for one server, which is asked once for each."""

    def __init__(self, connection: Connection) -> None:
        """Know no task yet."""
        self._connection = connection
        self._named: OrderedDict[int, tuple[AnyTask, TaskName]] = OrderedDict()

    async def name_of(self, task: AnyTask) -> TaskName:
        """Return what stands for a task.

        Raises:
            TaskError: If the server hasn't got it, and it can't be written as data.
            RemoteError: If the server can't be asked.
        """
        known = self._named.get(id(task))
        if known is None:
            known = self._named[id(task)] = task, await self._ask(task)  # holds the task, so its id stays taken
            if len(self._named) > _KEPT:
                self._named.popitem(last=False)
        self._named.move_to_end(id(task))
        return known[1]

    async def _ask(self, task: AnyTask) -> TaskName:
        ours = await asyncio.to_thread(fingerprint_of, task)
        if ours is not None and ours == await self._theirs(task):
            return TaskName(task.id, task.seed)
        try:
            text = await asyncio.to_thread(to_text, task)
        except TaskError as error:
            raise TaskError(
                f"{error}, so it can't be sent to {self._connection.address.url}, which has no such task of its own: "
                "add its folder there, or judge it here with mode='local'"
            ) from error
        return TaskName(f"sha256:{ours}", 0, text)

    async def _theirs(self, task: AnyTask) -> str | None:
        """Return the fingerprint of the server's task of the same id and seed, None if it has none."""
        try:
            path = f"/v1/environments/{quote(task.id)}"
            details = await self._connection.ask("GET", path, params={"seed": task.seed})
        except UnknownTaskError:
            return None
        found = details.get("fingerprint") if isinstance(details, dict) else None
        return found if isinstance(found, str) else None
