"""Many submissions, judged by a server a piece at a time.

- :class:`Batches`: cuts them up, a few pieces under way at a time, so that results come early and requests
  stay small.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Sequence
from typing import Any

from deepgym_env.errors import ConfigError, DeepGymError, RemoteBusyError, RemoteError
from deepgym_env.executors import Done, Submission
from deepgym_env.extraction import fenced_blocks
from deepgym_env.judge.not_run import not_run
from deepgym_env.local_executor import gather
from deepgym_env.remote.http import Connection, UnavailableError
from deepgym_env.remote.naming import TaskNames
from deepgym_env.remote.wire import BatchResponse
from deepgym_env.result import RunResult

__all__ = ["Batches"]

_STREAMS = 4  # requests under way at a time
_MOST = 256  # submissions of one request
_BYTES = 8 << 20  # of one request, tasks by value apart
_QUICK, _SLOW = 1.0, 5.0  # seconds: a request that takes less may hold more, one that takes longer less

_Piece = list[tuple[int, Submission]]


class Batches:
    """One call's submissions on their way to a server and back."""

    def __init__(self, connection: Connection, names: TaskNames, done: Done) -> None:
        """Have results told to ``done``."""
        self._connection, self._names, self._done = connection, names, done
        self._size = 1
        self._given_up: RemoteError | None = None

    async def run(self, work: Sequence[Submission], *, max_parallel: int) -> None:
        """Judge submissions; ``done`` is told each.

        Args:
            work: The submissions.
            max_parallel: How many may be at the server at a time.
        """
        todo = deque(enumerate(work))
        streams = min(_STREAMS, max_parallel, len(work))
        most = min(_MOST, max(1, max_parallel // streams))

        async def judge_rest() -> None:
            while todo:
                await self._judge(self._next(todo), most)

        await gather([judge_rest() for _ in range(streams)])

    def _next(self, todo: deque[tuple[int, Submission]]) -> _Piece:
        piece, size = [todo.popleft()], 0
        while todo and len(piece) < self._size:
            size += len(piece[-1][1][1])
            if size + len(todo[0][1][1]) > _BYTES:
                break
            piece.append(todo.popleft())
        return piece

    async def _judge(self, piece: _Piece, most: int) -> None:
        """Judge a piece; what can't be judged has no verdict."""
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            results = await self._ask(piece)
        except (UnavailableError, RemoteBusyError, ConfigError) as error:
            if self._given_up is None and len(piece) > 1:  # it is too much, or one of them is to blame
                await self._judge_in_parts(piece, most)
                return
            if isinstance(error, ConfigError):
                raise
            results = [not_run(task, "infrastructure_error", str(error)) for _, (task, _) in piece]
        else:
            self._fit(clock() - began, most)
        for (number, _), result in zip(piece, results, strict=True):
            self._done(number, result)

    async def _judge_in_parts(self, piece: _Piece, most: int) -> None:
        middle = len(piece) // 2
        self._size = min(self._size, middle)
        await self._judge(piece[:middle], most)
        await self._judge(piece[middle:], most)

    def _fit(self, seconds: float, most: int) -> None:
        """Choose how much the next request holds by how long one took."""
        if seconds < _QUICK:
            self._size = min(2 * self._size, most)
        elif seconds > _SLOW:
            self._size = max(self._size // 2, 1)

    async def _ask(self, piece: _Piece) -> list[RunResult]:
        """Have a piece judged; a server that is away was waited for long enough, and is not asked again."""
        if self._given_up is not None:
            raise self._given_up
        try:
            return await self._judged(piece)
        except (UnavailableError, RemoteBusyError) as error:
            if isinstance(error, RemoteBusyError) or error.gone:
                self._given_up = error
            raise

    async def _judged(self, piece: _Piece) -> list[RunResult]:
        items: list[dict[str, Any]] = []
        tasks: dict[str, str] = {}
        for _, (task, code) in piece:
            name = await self._names.name_of(task)
            items.append({"environment": name.name, "completion": _as_answer(code), "seed": name.seed})
            if name.text is not None:
                tasks[name.name] = name.text
        body = {"items": items, "tasks": tasks}
        answer = await self._connection.ask_for(BatchResponse, "POST", "/v1/batch", body=body, meaning=_meaning)
        results = [verdict.result() for verdict in answer.results]
        if [result.task_id for result in results] != [task.id for _, (task, _) in piece]:
            raise RemoteError(f"{self._connection.address.url} answered for other submissions than it was asked about")
        return results


def _meaning(status: int, detail: str) -> DeepGymError | None:
    """Return what it is that the server's own engine was closed meanwhile: its failure, and no mistake of ours."""
    return UnavailableError(detail, gone=False) if status == 409 else None


def _as_answer(code: str) -> str:
    """Return a text whose code is ``code``, also where that holds fences itself."""
    if not fenced_blocks(code):
        return code
    marks = "`" * max(3, 1 + max(map(len, re.findall("`*", code))))
    return f"{marks}\n{code}"
