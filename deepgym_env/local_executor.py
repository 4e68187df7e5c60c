"""The engine's work on sandboxes of its own.

- :class:`LocalExecutor`; :func:`gather`: wait for coroutines of which none outlives the others' failure.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import os
import time
from collections import OrderedDict
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from deepgym_env.errors import ClosedError, ConfigError, IsolationError, SandboxError
from deepgym_env.executors import Done, Submission
from deepgym_env.fleet import IN_FLIGHT, Fleet
from deepgym_env.judge import Judge, StateJudge, judge_of
from deepgym_env.judge.not_run import not_run
from deepgym_env.programs import Program, ProgramResult
from deepgym_env.result import RunResult, Timing
from deepgym_env.sandbox import Backend, Isolation, IsolationLevel, Session, Snapshot
from deepgym_env.sandbox.workspace import Workspace
from deepgym_env.task import File, LanguageName, SessionLimits, StateTest, SubmissionTask, WorkspaceTask

__all__ = ["LocalExecutor", "gather"]

_JUDGES = 64


class LocalExecutor:
    """Judges on the sandboxes of one backend, tried again on a fresh one after an infrastructure failure.

    An :class:`~deepgym_env.executors.Executor`.
    """

    def __init__(self, backend: Backend, *, workers: int | None, retries: int, min_isolation: IsolationLevel) -> None:
        """Start nothing yet.

        Args:
            backend: Where sandboxes come from.
            workers: Runners; by default one per CPU this process may use.
            retries: How often a submission is tried again after an infrastructure failure.
            min_isolation: Refuse to run with less.
        """
        self.workers = workers or len(os.sched_getaffinity(0))
        self._retries = retries
        self.fleet = Fleet(backend, workers=self.workers, retries=retries, min_isolation=min_isolation)
        self._judges: OrderedDict[int, Judge] = OrderedDict()

    async def run(self, work: Sequence[Submission], *, max_parallel: int | None, done: Done) -> None:
        """Judge submissions; see :meth:`Executor.run`."""
        todo = iter(enumerate(work))

        async def judge_rest() -> None:
            for number, (task, code) in todo:
                done(number, await self._run(task, code))

        parallel = min(max_parallel or self.workers * IN_FLIGHT, len(work))
        await gather([judge_rest() for _ in range(parallel)])

    async def session(
        self,
        task: WorkspaceTask | None,
        *,
        files: Sequence[File] = (),
        limits: SessionLimits | None = None,
        ttl: float | None = None,
    ) -> Session:
        """Start a session; see :meth:`Executor.session`."""
        for _ in range(self._retries):
            try:
                return await self._open(task, files, limits, ttl)
            except (IsolationError, ClosedError):
                raise
            except SandboxError:
                continue
        return await self._open(task, files, limits, ttl)

    async def resume(self, snapshot: Snapshot) -> Session:
        """Start a session as another one was when the snapshot was taken."""
        return await self.fleet.resume(snapshot)

    async def judge(self, task: WorkspaceTask, session: Workspace, *, tests: Sequence[StateTest] | None) -> RunResult:
        """Judge the state of a session."""
        if not isinstance(session, Session):
            raise ConfigError("the session is of another place than this engine works in: use the engine it is of")
        judge = StateJudge(task, tests)
        cause, began = "", time.perf_counter()
        for attempt in range(1, self._retries + 2):
            try:
                result = await judge.judge(session, self.fleet)
            except (IsolationError, ClosedError):
                raise
            except SandboxError as error:
                cause = str(error)
                continue
            return _timed(result, began, attempt)
        return not_run(task, "infrastructure_error", cause, tests=judge.tests)

    async def execute(
        self, program: Program, stdins: Sequence[bytes], max_parallel: int | None
    ) -> tuple[ProgramResult, ...]:
        """Compile a program once and run it on each input."""
        return await self.fleet.run_program(program, stdins, max_parallel)

    async def languages(self) -> Mapping[LanguageName, str | None]:
        """Return each language with the version of its toolchain in the sandbox, None where it has none."""
        return await self.fleet.languages()

    async def isolation(self) -> Isolation:
        """Start a sandbox if none runs and return what isolation is in force."""
        return await self.fleet.isolation()

    async def aclose(self) -> None:
        """End every sandbox; runs under way fail."""
        await self.fleet.aclose()

    async def _run(self, task: SubmissionTask, code: str) -> RunResult:
        began = time.perf_counter()
        judge = self._judge_of(task)
        cause = ""
        for attempt in range(1, self._retries + 2):
            try:
                result = await judge.judge(code, self.fleet)
            except (IsolationError, ClosedError):
                raise
            except SandboxError as error:
                cause = str(error)
                continue
            return _timed(result, began, attempt)
        timing = Timing(wall_seconds=time.perf_counter() - began, attempts=self._retries + 1)
        return not_run(task, "infrastructure_error", cause, timing)

    def _judge_of(self, task: SubmissionTask) -> Judge:
        """Return the task's judge, made once while the task is in use."""
        judge = self._judges.get(id(task))
        if judge is None:
            judge = self._judges[id(task)] = judge_of(task)  # holds the task, so its id stays taken
            if len(self._judges) > _JUDGES:
                self._judges.popitem(last=False)
        self._judges.move_to_end(id(task))
        return judge

    async def _open(
        self, task: WorkspaceTask | None, files: Sequence[File], limits: SessionLimits | None, ttl: float | None
    ) -> Session:
        if task is None:
            return await self.fleet.session(files=files, limits=limits, ttl=ttl)
        service = f"{task.support}\n\nSEED = {task.seed}\n\n{task.service}" if task.service else None
        return await self.fleet.session(
            files=task.files,
            setup=task.setup,
            service=service,
            limits=limits or task.limits,
            ttl=ttl,
            template=_fingerprint(task),
        )


async def gather(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Wait for all; when one fails, cancel the others before raising."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@functools.lru_cache(maxsize=256)
def _fingerprint_of(parts: tuple[object, ...]) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _fingerprint(task: WorkspaceTask) -> str:
    """Return a key of what a session of the task begins with."""
    return _fingerprint_of((task.files, task.setup, task.service, task.support, task.seed, task.limits))


def _timed(result: RunResult, began: float, attempts: int) -> RunResult:
    timing = result.timing.model_copy(update={"wall_seconds": time.perf_counter() - began, "attempts": attempts})
    return result.model_copy(update={"timing": timing})
