"""An engine's work, done by a DeepGym server.

- :class:`RemoteExecutor`
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deepgym_env.distant_session import DistantSession
from deepgym_env.errors import ConfigError, IsolationError, RemoteBusyError, RemoteError
from deepgym_env.executors import Done, Options, Submission
from deepgym_env.fleet import IN_FLIGHT
from deepgym_env.judge.not_run import not_run
from deepgym_env.programs import Program, ProgramResult
from deepgym_env.remote.address import address_of
from deepgym_env.remote.batches import Batches
from deepgym_env.remote.http import Connection, UnavailableError
from deepgym_env.remote.naming import TaskNames
from deepgym_env.remote.session import RemoteSessions
from deepgym_env.remote.wire import MAX_ITEMS
from deepgym_env.remote.wire_programs import IsolationReport, Languages, ProgramRequest, ProgramResults
from deepgym_env.result import RunResult
from deepgym_env.sandbox import Isolation
from deepgym_env.sandbox.workspace import Workspace
from deepgym_env.task import File, LanguageName, SessionLimits, StateTest, WorkspaceTask

__all__ = ["RemoteExecutor"]

_WORKERS = 16  # until the server says how many it has
_AT_ONCE = 1024  # submissions at the server; it has what waits wait
_BYTES = 16 << 20  # of inputs in one request
_PATIENCE = 30.0  # seconds, for each of the retries


class RemoteExecutor:
    """Has a server judge; an :class:`~deepgym_env.executors.Executor`.

    A server that can't be reached is asked again for 30 seconds times ``retries``; then what it was to judge has no
    verdict.
    """

    def __init__(self, options: Options) -> None:
        """Connect to nothing yet.

        Raises:
            ConfigError: If there is no address, or an option is the server's to choose.
        """
        if options.image is not None or options.backend is not None:
            name = "image" if options.image is not None else "backend"
            raise ConfigError(f"mode 'remote' takes no {name}: `deepgym serve` chooses where its submissions run")
        self._options = options
        self._connection = Connection(address_of(options.url, options.api_key), patience=_PATIENCE * options.retries)
        self._names = TaskNames(self._connection)
        self._sessions = RemoteSessions(self._connection, self._names)
        self._report: IsolationReport | None = None
        self._asked_after = 0  # so many lost requests
        self._asking = asyncio.Lock()

    @property
    def workers(self) -> int:
        """The server's runners, as far as is known, or as many of them as this engine is to keep busy."""
        return self._options.workers or (self._report.workers if self._report is not None else _WORKERS)

    async def run(self, work: Sequence[Submission], *, max_parallel: int | None, done: Done) -> None:
        """Judge submissions; see :meth:`Executor.run`."""
        own = self._options.workers
        at_once = max_parallel or (own * IN_FLIGHT if own is not None else _AT_ONCE)
        try:
            await self._insist_isolated()
        except (UnavailableError, RemoteBusyError) as error:
            for number, (task, _) in enumerate(work):
                done(number, not_run(task, "infrastructure_error", str(error)))
        else:
            await Batches(self._connection, self._names, done).run(work, max_parallel=at_once)

    async def session(
        self,
        task: WorkspaceTask | None,
        *,
        files: Sequence[File],
        limits: SessionLimits | None,
        ttl: float | None,
    ) -> Workspace:
        """Start a session; see :meth:`Executor.session`."""
        await self._insist_isolated()
        return await self._sessions.open(task, files=files, limits=limits, ttl=ttl)

    async def resume(self, snapshot: Any) -> Workspace:
        """Start a session as another one was when the snapshot was taken."""
        return await self._sessions.resume(snapshot)

    async def judge(self, task: WorkspaceTask, session: Workspace, *, tests: Sequence[StateTest] | None) -> RunResult:
        """Judge the state of a session."""
        if not isinstance(session, DistantSession) or session.home != self._connection.address.url:
            raise ConfigError("the session is of another place than this engine works in: use the engine it is of")
        try:
            return await self._sessions.judge(task, session, tests)
        except (UnavailableError, RemoteBusyError) as error:
            return not_run(task, "infrastructure_error", str(error), tests=tests)

    async def execute(
        self, program: Program, stdins: Sequence[bytes], max_parallel: int | None
    ) -> tuple[ProgramResult, ...]:
        """Compile a program once and run it on each input; the server chooses how many run at a time."""
        results: list[ProgramResult] = []
        try:
            await self._insist_isolated()
            for some in _pieces(stdins):
                body = ProgramRequest.of(program, some).model_dump(mode="json")
                answer = await self._connection.ask_for(ProgramResults, "POST", "/v1/execute", body=body)
                results.extend(outcome.result() for outcome in answer.results)
        except (UnavailableError, RemoteBusyError) as error:
            lost = ProgramResult(status="infrastructure_error", details=str(error))
            results.extend(lost for _ in range(len(stdins) - len(results)))
        if len(results) != len(stdins):
            raise RemoteError(
                f"{self._connection.address.url} answered {len(results)} results for {len(stdins)} inputs"
            )
        return tuple(results)

    async def languages(self) -> Mapping[LanguageName, str | None]:
        """Return each language with the version of its toolchain at the server, None where there is none."""
        return (await self._connection.ask_for(Languages, "GET", "/v1/languages")).languages

    async def isolation(self) -> Isolation:
        """Return what isolation is in force at the server."""
        report = await self._connection.ask_for(IsolationReport, "GET", "/v1/isolation")
        self._insist_on(report)
        self._report, self._asked_after = report, self._connection.losses
        return report.isolation()

    async def aclose(self) -> None:
        """End every session; runs under way fail."""
        await self._connection.aclose(self._sessions.paths)

    async def _insist_isolated(self) -> None:
        """Have asked the server what isolation is in force: at first, and when it may be another one.

        Where none is asked for, a key will do that is good for judging alone.
        """
        self._connection.insist_usable()
        if self._options.min_isolation == "none":
            return
        async with self._asking:
            if self._report is None or self._asked_after != self._connection.losses:
                await self.isolation()

    def _insist_on(self, report: IsolationReport) -> None:
        found, wanted = report.isolation(), self._options.min_isolation
        if not found.at_least(wanted):
            missing = ", ".join(f"{layer.name} ({layer.reason})" for layer in found.layers if not layer.active)
            raise IsolationError(
                f"isolation at {self._connection.address.url} is {found.level!r}, {wanted!r} was asked for; "
                f"missing: {missing}. `deepgym doctor` on that machine says how to get it"
            )


def _pieces(stdins: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Cut inputs up so that a request stays small."""
    first, size = 0, 0
    for number, stdin in enumerate(stdins):
        if number > first and (size + len(stdin) > _BYTES or number - first == MAX_ITEMS):
            yield stdins[first:number]
            first, size = number, 0
        size += len(stdin)
    if stdins:
        yield stdins[first:]
