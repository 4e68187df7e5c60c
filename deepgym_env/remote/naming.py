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
from deepgym_env.errors import ConfigError, RemoteAccessError, TaskError
from deepgym_env.remote.fingerprint import fingerprint_of
from deepgym_env.remote.http import Connection
from deepgym_env.task import AnyTask

__all__ = ["TaskName", "TaskNames"]

_KEPT = 128
_FRESH = 60.0  # seconds; a server may be begun anew with other tasks


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


@dataclass(slots=True)
class _Known:
    """A task, held so that its id stays taken; and what the server said of it, when, after how many lost requests."""

    task: AnyTask
    ours: str | None
    name: TaskName
    asked: float
    losses: int


class TaskNames:
    """Names tasks for one server, which is asked for each once in a while."""

    def __init__(self, connection: Connection) -> None:
        """Know no task yet."""
        self._connection = connection
        self._known: OrderedDict[int, _Known] = OrderedDict()

    async def name_of(self, task: AnyTask) -> TaskName:
        """Return what stands for a task.

        Raises:
            TaskError: If the server hasn't got it, and it can't be written as data.
            RemoteError: If the server can't be asked.
        """
        now, losses = asyncio.get_running_loop().time(), self._connection.losses
        known = self._known.get(id(task))
        if known is None or known.losses != losses or now - known.asked > _FRESH:
            ours = known.ours if known is not None else await asyncio.to_thread(fingerprint_of, task)
            known = self._known[id(task)] = _Known(task, ours, await self._ask(task, ours), now, losses)
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(id(task))
        return known.name

    async def _ask(self, task: AnyTask, ours: str | None) -> TaskName:
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
        """Return the fingerprint of the server's task of the same id and seed, None if it tells of none."""
        path = f"/v1/environments/{quote(task.id)}"
        try:
            details = await self._connection.ask("GET", path, params={"seed": task.seed})
        except (TaskError, ConfigError, RemoteAccessError):  # a key may be good for judging alone
            return None
        found = details.get("fingerprint") if isinstance(details, dict) else None
        return found if isinstance(found, str) else None
