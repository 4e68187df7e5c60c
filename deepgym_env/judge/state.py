"""The judge of ``state`` tests: a scenario's checker looks at what an agent left in its workspace.

The checker runs in a locked-down process of its own and never where the agent's code does. What
it wants to know it asks: files are read from the session, and what runs, runs in a copy of the
session made for that test. So tests can't disturb each other, and their order means nothing.

- :class:`StateJudge`: a task's checker.
- :class:`Inspection`: answers one checker's questions about one session.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from deepgym_env.errors import RefusedError, TaskError
from deepgym_env.judge import checker
from deepgym_env.judge.base import Sandboxes
from deepgym_env.judge.call import CallJudge, Hearing
from deepgym_env.result import CaseResult, CaseStatus, RunResult
from deepgym_env.sandbox.execution import Job
from deepgym_env.sandbox.runner import codec
from deepgym_env.sandbox.session import Session
from deepgym_env.task import Call, Limits, Query, SessionLimits, StateTest, Task, TestCase, WorkspaceTask

__all__ = ["Inspection", "StateJudge"]

_LIMITS = Limits(cpu_seconds=10.0, wall_seconds=60.0, memory_mb=512, output_bytes=1 << 24, tmp_mb=64)
_ASKED_BYTES = 1 << 26  # of one test's questions, files it writes included
_OUTPUT_BYTES = 1 << 22  # of a command that a test runs
# What a test may wait for a command; less once several have been waited for in vain, so that a
# workspace where everything hangs doesn't take ten seconds for each command there is.
_WALL_SECONDS, _PATIENCE, _SHORT_WALL_SECONDS = 10.0, 4, 2.0
_LISTED, _DEPTH = 10_000, 1000
_STATUSES: dict[str, CaseStatus] = {"passed": "passed", "failed": "wrong_answer", "error": "exception"}


class StateJudge:
    """A workspace task's checker.

    Example:
        >>> from deepgym_env.catalog import load_task
        >>> judge = StateJudge(load_task("debug_fix"))
        >>> judge.task.id
        'debug_fix'
    """

    def __init__(self, task: WorkspaceTask, tests: Sequence[StateTest] | None = None) -> None:
        """Judge by ``tests`` of the task, by default all."""
        self.task = task
        self.tests = tuple(task.tests if tests is None else tests)

    async def judge(self, session: Session, sandboxes: Sandboxes) -> RunResult:
        """Return the verdict on the state of a session, in which nobody else works meanwhile.

        Raises:
            SandboxError: If a sandbox failed, which is no verdict.
            TaskError: If the checker could not be loaded: the task is broken.
        """
        async with Inspection(session, self.task) as inspection:
            hearing = _StateHearing(_Questions(self.task, self.tests, Query(inspection)), self.task.check)
            await hearing.hold(sandboxes, waits=True)
        return hearing.verdict()


class Inspection:
    """Answers a checker's questions about a session; use as a context manager.

    Every answer is ``["ok", value]`` or ``["refused", why]``.
    """

    def __init__(self, session: Session, task: WorkspaceTask) -> None:
        """Look at ``session``, in which nobody else works meanwhile."""
        self._session = session
        self._task = task
        self._copy: Session | None = None
        self._waited = 0

    async def __call__(self, question: Any = None, *arguments: Any) -> list[Any]:
        """Answer one question.

        Raises:
            SandboxError: If the session was lost, which is no verdict.
        """
        try:
            value = _QUESTIONS[question](self, *arguments)
            return ["ok", await value if inspect.isawaitable(value) else value]
        except RefusedError as error:
            return ["refused", str(error)]
        except (TypeError, ValueError, LookupError, ArithmeticError) as error:  # asked with what the agent left
            return ["refused", f"{type(error).__name__}: {error}"]

    async def begin(self) -> None:
        """Begin a test: what the one before it ran is forgotten."""
        if self._copy is not None:
            await self._copy.close()
            self._copy = None

    async def read(self, path: str) -> bytes:
        """Return a file's contents: from this test's copy if it has one."""
        return await (self._copy or self._session).read(path)

    async def listing(self, path: str) -> list[list[Any]]:
        """Return what lies below a folder."""
        entries, complete = await (self._copy or self._session).list(path, depth=_DEPTH, limit=_LISTED)
        if not complete:
            raise RefusedError(f"there are more than {_LISTED} files")
        return [[entry.path, entry.kind, entry.size] for entry in entries]

    async def write(self, path: str, data: bytes) -> None:
        """Write into this test's copy."""
        await (await self._scratch()).write(path, data)

    async def run(self, command: Any, stdin: bytes, cwd: str, env: dict[str, str], cpu: float) -> list[Any]:
        """Run a command in this test's copy."""
        wall = min(self._task.limits.wall_seconds, self._patience())
        given = {"cpu_seconds": cpu, "wall_seconds": wall, "output_bytes": _OUTPUT_BYTES}
        limits = SessionLimits(**{**self._task.limits.model_dump(), **given})
        ran = await (await self._scratch()).exec(
            command, stdin=stdin, cwd=cwd, env=env, merge=False, shell_state=False, limits=limits
        )
        self._waited += ran.reason == "wall"
        return [ran.code, ran.stdout, ran.stderr, ran.reason]

    def _patience(self) -> float:
        return _WALL_SECONDS if self._waited < _PATIENCE else _SHORT_WALL_SECONDS

    async def service(self) -> Any:
        """Return what the scenario's service has kept."""
        return await self._session.service_state()

    async def _scratch(self) -> Session:
        if self._copy is None:
            self._copy = await self._session.fork()
        return self._copy

    async def __aenter__(self) -> Inspection:
        """Return the inspection itself."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Forget the last copy."""
        await self.begin()


_QUESTIONS: dict[Any, Callable[..., Awaitable[Any]]] = {
    "begin": Inspection.begin,
    "read": Inspection.read,
    "list": Inspection.listing,
    "write": Inspection.write,
    "run": Inspection.run,
    "service": Inspection.service,
}


@functools.cache
def _checker_source() -> str:
    return inspect.getsource(checker)


class _Questions(CallJudge):
    """A checker's tests as questions to a process: the checker is the code, each test a call."""

    def __init__(self, task: WorkspaceTask, tests: Sequence[StateTest], ask: Query) -> None:
        self.state_tests = {test.id: test for test in tests}
        super().__init__(
            Task(
                id=task.id,
                title=task.title,
                prompt=task.prompt,
                entry_point="judge_",
                tests=tuple(
                    TestCase(id=test.id, public=test.public, calls=(Call(args=(test.id, task.id, task.seed, ask)),))
                    for test in tests
                ),
                limits=_LIMITS,
                prelude=f"{_checker_source()}\n\n{task.support}",
                seed=task.seed,
            )
        )

    def job(self, code: str, first: int, nonces: Sequence[str]) -> Job:
        """Return the questions, with room for the files a checker writes."""
        return dataclasses.replace(super().job(code, first, nonces), query_bytes=_ASKED_BYTES)


class _StateHearing(Hearing):
    """A checker before the judge: it says of each test whether it passed, and is believed."""

    def _weigh(self, question: Any, outcomes: list[tuple[int, bytes]], printed: bytes) -> CaseResult:
        kind, data = outcomes[0]
        if kind != ord("V"):  # the checker itself ran out of memory, or the like
            return self._told(question.test.id, "exception", "the test could not be finished")
        verdict, message = codec.build(codec.parse(data.decode()))
        return self._told(question.test.id, _STATUSES[verdict], message)

    def _told(self, test_id: str, status: CaseStatus, message: str) -> CaseResult:
        judge = self._judge
        assert isinstance(judge, _Questions)
        test = judge.state_tests[test_id]
        return CaseResult(
            id=test.id,
            passed=status == "passed",
            score=float(status == "passed"),
            status=status,
            public=test.public,
            input_summary=test.title if test.public else "",
            error=message if test.public else "",
        )

    def verdict(self) -> RunResult:
        """Return the result.

        Raises:
            TaskError: If the checker could not be loaded: the task is broken.
        """
        if self._refused is not None:
            raise TaskError(f"check.py of {self._judge.task.id!r}: {self._refused[0]}: {self._refused[1]}")
        return super().verdict()
