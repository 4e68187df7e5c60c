"""Several runners that share the work; one that dies is replaced when it is next needed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from deepgym_env.errors import ClosedError, IsolationError, SandboxError
from deepgym_env.sandbox.isolation import Isolation, IsolationLevel
from deepgym_env.sandbox.process import Backend, Runner

__all__ = ["Pool"]

_GIVE_UP_AFTER = 4  # starts that failed in a row
_PAUSE = 5.0  # seconds
_WAITING = 64  # jobs per runner that wait for something else


class Pool:
    """Up to ``workers`` runners with ``in_flight`` jobs each; asks for more wait their turn."""

    def __init__(
        self, backend: Backend, *, workers: int, in_flight: int, min_isolation: IsolationLevel = "process"
    ) -> None:
        """Start nothing yet: runners start when they are first needed."""
        self._backend = backend
        self._slots: list[_Slot] = [_Slot() for _ in range(workers)]
        self._free = asyncio.Semaphore(workers * in_flight)
        self._free_to_wait = asyncio.Semaphore(workers * _WAITING)
        self._min_isolation = min_isolation
        self._closed = False
        self._failed_starts = 0
        self._next_start = 0.0
        self._start_error = ""

    @asynccontextmanager
    async def runner(self, *, waits: bool = False) -> AsyncIterator[Runner]:
        """Lend the least busy runner, started if need be.

        Args:
            waits: The job computes next to nothing, but may take long: it doesn't count among those
                in flight, so that no number of such jobs holds up the others.

        Raises:
            SandboxError: If none can be started.
            IsolationError: If it is isolated less than asked for.
            ClosedError: If the pool is closed.
        """
        async with self._free_to_wait if waits else self._free:
            if self._closed:
                raise ClosedError("the engine is closed")
            slot = min(self._slots, key=lambda slot: slot.busy)
            slot.busy += 1
            try:
                yield await self._started(slot)
            finally:
                slot.busy -= 1

    async def pinned(self, load: Mapping[Runner, int]) -> Runner:
        """Return the runner with the least ``load``, started if need be, for work that stays with it.

        Raises:
            SandboxError: If none can be started.
            IsolationError: If it is isolated less than asked for.
            ClosedError: If the pool is closed.
        """
        if self._closed:
            raise ClosedError("the engine is closed")
        slot = min(self._slots, key=lambda slot: load.get(slot.runner, 0) + slot.busy if slot.runner else slot.busy)
        slot.busy += 1
        try:
            return await self._started(slot)
        finally:
            slot.busy -= 1

    async def _started(self, slot: _Slot) -> Runner:
        async with slot.lock:
            if slot.runner is None or not slot.runner.alive:
                slot.runner = await self._start()
                self._insist(slot.runner)
            return slot.runner

    async def _start(self) -> Runner:
        """Start a runner; where none could be started lately, fail at once instead of trying again."""
        if self._failed_starts >= _GIVE_UP_AFTER and time.monotonic() < self._next_start:
            raise SandboxError(self._start_error)
        try:
            runner = await Runner.start(self._backend)
        except (SandboxError, OSError) as error:  # no descriptor or no process to be had is as little a verdict
            self._failed_starts += 1
            self._next_start = time.monotonic() + _PAUSE
            self._start_error = str(error)
            raise error if isinstance(error, SandboxError) else SandboxError(str(error)) from error
        self._failed_starts = 0
        return runner

    def _insist(self, runner: Runner) -> None:
        isolation = runner.isolation
        if isolation is not None and not isolation.at_least(self._min_isolation):
            runner.close()
            raise IsolationError(_shortfall(isolation, self._min_isolation))

    def close(self) -> None:
        """End every runner; jobs under way fail."""
        self._closed = True
        for slot in self._slots:
            if slot.runner is not None:
                slot.runner.close()


class _Slot:
    def __init__(self) -> None:
        self.runner: Runner | None = None
        self.busy = 0
        self.lock = asyncio.Lock()


def _shortfall(isolation: Isolation, wanted: IsolationLevel) -> str:
    missing = [f"{layer.name} ({layer.reason})" for layer in isolation.layers if not layer.active]
    return (
        f"isolation is {isolation.level!r}, {wanted!r} was asked for; missing: {', '.join(missing)}. "
        "`deepgym doctor` says how to get it; min_isolation='none' runs all the same"
    )
