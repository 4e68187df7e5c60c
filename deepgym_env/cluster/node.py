"""What runs on each node: sandboxes of its own, in a Ray actor.

- :class:`Node`: the actor; :class:`NodeConfig`: what it is told; :class:`Greeting`: what it says of itself.
- :data:`Order`, :data:`Outcome`: what goes to it and comes back; :func:`portable`: exceptions that can be sent.

It imports nothing of Ray's: a node is a class with plain values for arguments and results.
"""

from __future__ import annotations

import asyncio
import pickle
from collections import OrderedDict
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepgym_env._version import __version__
from deepgym_env.errors import ConfigError, DeepGymError, SandboxError
from deepgym_env.local_executor import LocalExecutor
from deepgym_env.programs import Program, ProgramResult
from deepgym_env.result import RunResult
from deepgym_env.sandbox import Isolation, IsolationLevel
from deepgym_env.sandbox.modes import Mode, backend_for
from deepgym_env.task import LanguageName, SubmissionTask
from deepgym_env.workspaces import Workspaces

__all__ = ["Greeting", "Node", "NodeConfig", "Order", "Outcome", "portable"]

Order = tuple[int, str, str]
"""A submission's ticket, the key of its task, its code."""
Outcome = tuple[int, RunResult | Exception]
"""A ticket, and the result, or what judging it raised."""

_LINGER_SECONDS = 0.02  # results that are ready soon after another go with it
_TASKS = 256
_TASK_BYTES = 1 << 29
_CAPACITY = 4096  # sessions


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """What a node's sandboxes are like."""

    mode: Mode = "local"
    image: str | None = None
    workers: int = 1
    retries: int = 2
    min_isolation: IsolationLevel = "process"


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a node says of itself once it is there.

    Attributes:
        version: DeepGym's, on that node.
        isolation: What is in force there.
    """

    version: str
    isolation: Isolation


class Node:
    """Judges what it is told, keeps sessions, runs programs; bound to the event loop it is first used on.

    Exceptions that mean something to the caller come back as values: a transport may change what is raised.
    """

    def __init__(self, config: NodeConfig) -> None:
        """Start nothing yet."""
        self._executor = LocalExecutor(
            backend_for(config.mode, config.image),
            workers=config.workers,
            retries=config.retries,
            min_isolation=config.min_isolation,
        )
        self._workspaces = Workspaces(self._executor, capacity=_CAPACITY)
        self._tasks = _TaskCache()
        self._judging: dict[int, asyncio.Task[None]] = {}
        self._outcomes: list[Outcome] = []
        self._news = asyncio.Event()

    async def greet(self) -> Greeting | Exception:
        """Start a sandbox and say what it is like."""
        try:
            return Greeting(__version__, await self._executor.isolation())
        except DeepGymError as error:
            return error

    async def begin(self, orders: Sequence[Order], tasks: Mapping[str, Awaitable[bytes]]) -> None:
        """Begin to judge submissions.

        Args:
            orders: What is to be judged.
            tasks: Their tasks by key, pickled, to be had by awaiting them.
        """
        for ticket, key, code in orders:
            self._judging[ticket] = asyncio.ensure_future(self._judge(ticket, key, code, tasks[key]))

    async def exchange(self, orders: Sequence[Order], tasks: Mapping[str, Awaitable[bytes]]) -> list[Outcome]:
        """Begin to judge submissions, and return what there is of any, once there is something."""
        await self.begin(orders, tasks)
        while not self._outcomes and self._judging:
            self._news.clear()
            await self._news.wait()
        if self._judging:
            await asyncio.sleep(_LINGER_SECONDS)
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    async def withdraw(self, tickets: Sequence[int]) -> None:
        """Stop judging submissions nobody wants to know of any more."""
        for ticket in tickets:
            judging = self._judging.pop(ticket, None)
            if judging is not None:
                judging.cancel()
        self._news.set()

    async def perform(self, operation: str, arguments: Mapping[str, Any]) -> tuple[Any, Exception | None, int]:
        """Do what a session is asked for; see :meth:`Workspaces.perform`.

        Returns:
            What that returns, what it raises, and how many sessions there are now.
        """
        try:
            return await self._workspaces.perform(operation, arguments), None, len(self._workspaces)
        except Exception as error:
            return None, portable(error), len(self._workspaces)

    async def execute(
        self, program: Program, stdins: Sequence[bytes], max_parallel: int | None
    ) -> tuple[ProgramResult, ...] | Exception:
        """Compile a program once and run it on each input."""
        try:
            return await self._executor.execute(program, stdins, max_parallel)
        except Exception as error:
            return portable(error)

    async def languages(self) -> Mapping[LanguageName, str | None] | Exception:
        """Return each language with the version of its toolchain in the sandbox."""
        try:
            return await self._executor.languages()
        except Exception as error:
            return portable(error)

    async def close(self) -> None:
        """End every sandbox."""
        await self._workspaces.aclose()
        await self._executor.aclose()

    async def _judge(self, ticket: int, key: str, code: str, packed: Awaitable[bytes]) -> None:
        results: list[RunResult] = []
        try:
            task = await self._tasks.get(key, packed)
            await self._executor.run([(task, code)], max_parallel=1, done=lambda _, result: results.append(result))
            outcome: RunResult | Exception = results[0]
        except Exception as error:
            outcome = portable(error)
        if self._judging.pop(ticket, None) is not None:
            self._outcomes.append((ticket, outcome))
            self._news.set()


class _TaskCache:
    """The tasks last judged, by key; unpickled once, since a judge is made for each object."""

    def __init__(self) -> None:
        self._tasks: OrderedDict[str, tuple[asyncio.Future[SubmissionTask], int]] = OrderedDict()
        self._bytes = 0

    async def get(self, key: str, packed: Awaitable[bytes]) -> SubmissionTask:
        if key not in self._tasks:
            self._tasks[key] = asyncio.ensure_future(self._load(key, packed)), 0
        self._tasks.move_to_end(key)
        return await asyncio.shield(self._tasks[key][0])  # others may wait for it too

    async def _load(self, key: str, packed: Awaitable[bytes]) -> SubmissionTask:
        try:
            data = await packed
        except Exception as error:
            self._tasks.pop(key, None)
            raise SandboxError(f"the task did not arrive: {error}") from error
        self._keep(key, len(data))
        return _unpacked(key, data)

    def _keep(self, key: str, size: int) -> None:
        self._tasks[key] = self._tasks[key][0], size
        self._bytes += size
        while len(self._tasks) > _TASKS or (self._bytes > _TASK_BYTES and len(self._tasks) > 1):
            self._bytes -= self._tasks.popitem(last=False)[1][1]


def _unpacked(key: str, data: bytes) -> SubmissionTask:
    try:
        task: SubmissionTask = pickle.loads(data)
    except Exception as error:
        raise ConfigError(
            f"a node can't read task {key[:12]}: {type(error).__name__}: {error}; every node needs the same DeepGym, "
            "and the modules that the task's checker is of"
        ) from error
    return task


def portable(error: Exception) -> Exception:
    """Return an exception as it can be sent."""
    try:
        pickle.loads(pickle.dumps(error))
        return error
    except Exception:
        kind = SandboxError if isinstance(error, SandboxError) else DeepGymError
        return kind(f"{type(error).__name__}: {error}")
