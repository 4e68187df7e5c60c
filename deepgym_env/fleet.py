"""The sandboxes of one engine: started when first needed, ended together.

- :class:`Fleet`
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from deepgym_env.errors import ClosedError, ConfigError, SandboxError
from deepgym_env.programs import Program, ProgramResult, ProgramRunner, RunProgram
from deepgym_env.sandbox import Backend, Isolation, IsolationLevel, Pool, Session, SessionHost, Snapshot
from deepgym_env.sandbox.process import Runner
from deepgym_env.task import File, LanguageName, SessionLimits

__all__ = ["IN_FLIGHT", "Fleet"]

IN_FLIGHT = 8  # per runner: submissions that wait for something leave the CPU to the others
_PROGRAMS = 2  # compilers and programs per runner: they compute, and take memory


class Fleet:
    """Lends runners, sessions and programs' places (:class:`~deepgym_env.judge.base.Sandboxes`).

    Bound to the event loop it is first used on.
    """

    def __init__(self, backend: Backend, *, workers: int, retries: int, min_isolation: IsolationLevel) -> None:
        """Start nothing yet.

        Args:
            backend: Where sandboxes come from.
            workers: Runners, and sandboxes of sessions.
            retries: How often a program is tried again after an infrastructure failure.
            min_isolation: Refuse to run with less.
        """
        self._backend = backend
        self._workers = workers
        self._min_isolation: IsolationLevel = min_isolation
        self._pool: Pool | None = None
        self._suites: Pool | None = None
        self._host: SessionHost | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._programs = ProgramRunner(self._program_session, seats=workers * _PROGRAMS, retries=retries)
        self._closed = False

    def runner(self, *, waits: bool = False, suites: bool = False) -> AbstractAsyncContextManager[Runner]:
        """Lend a runner, one with what suites of tests use if asked; see :meth:`Pool.runner`."""
        return (self._suite_pool() if suites else self._running_pool()).runner(waits=waits)

    async def isolation(self) -> Isolation:
        """Start a sandbox if none runs and return what isolation is in force."""
        async with self.runner() as runner:
            if runner.isolation is None:
                raise SandboxError("the runner reported no isolation")
            return runner.isolation

    async def session(
        self, *, files: Sequence[File] = (), limits: SessionLimits | None = None, ttl: float | None = None, **more: Any
    ) -> Session:
        """Start a session; see :meth:`SessionHost.open`."""
        return await self._running_host().open(files, limits=limits, ttl=ttl, **more)

    async def resume(self, snapshot: Snapshot) -> Session:
        """Start a session as another one was when the snapshot was taken."""
        return await self._running_host().resume(snapshot)

    async def run_program(
        self, program: Program, stdins: Sequence[bytes], max_parallel: int | None = None
    ) -> tuple[ProgramResult, ...]:
        """Compile a program once and run it on each input."""
        return await self._programs.run(program, stdins, max_parallel)

    def compiled(self, program: Program) -> AbstractAsyncContextManager[RunProgram]:
        """Compile a program, to be run as often as is wished; see :meth:`ProgramRunner.compiled`."""
        return self._programs.compiled(program)

    async def languages(self) -> Mapping[LanguageName, str | None]:
        """Return each language with the version of its toolchain in the sandbox, None where it has none."""
        return await self._programs.languages()

    async def aclose(self) -> None:
        """End every sandbox; runs under way fail. Closing twice does no harm."""
        self._closed = True
        if self._host is not None:
            await self._host.aclose()
            self._host = None
        for pool in (self._pool, self._suites):
            if pool is not None:
                pool.close()
        self._pool = self._suites = None

    async def _program_session(self, files: Sequence[File], limits: SessionLimits) -> Session:
        return await self.session(files=files, limits=limits)

    def _running_pool(self) -> Pool:
        if self._closed:
            raise ClosedError("the engine is closed; make a new one")
        loop = asyncio.get_running_loop()
        if self._pool is None:
            self._loop = loop
            self._pool = Pool(
                self._backend, workers=self._workers, in_flight=IN_FLIGHT, min_isolation=self._min_isolation
            )
        elif loop is not self._loop:
            raise ConfigError("an AsyncDeepGym serves the event loop it was first used on; make one per loop")
        return self._pool

    def _suite_pool(self) -> Pool:
        self._running_pool()  # of this loop, and not closed
        if self._suites is None:
            self._suites = Pool(
                self._backend.for_suites(),
                workers=self._workers,
                in_flight=IN_FLIGHT,
                min_isolation=self._min_isolation,
            )
        return self._suites

    def _running_host(self) -> SessionHost:
        self._running_pool()  # of this loop, and not closed
        if self._host is None:
            pool = Pool(
                self._backend.for_sessions(), workers=self._workers, in_flight=1, min_isolation=self._min_isolation
            )
            self._host = SessionHost(pool)
        return self._host
