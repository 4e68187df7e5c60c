"""The engine: takes a task and what a model wrote or left, returns a verdict.

- :class:`AsyncDeepGym`: for asyncio programs; :class:`~deepgym_env.blocking.DeepGym` for all others.
- :func:`load_environment`: what it judges.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deepgym_env.catalog import load_task
from deepgym_env.errors import ConfigError
from deepgym_env.executor_modes import executor_for
from deepgym_env.executors import Executor, Mode, Options
from deepgym_env.extraction import extract_code
from deepgym_env.judge.not_run import not_run
from deepgym_env.programs import Program, ProgramResult
from deepgym_env.result import BatchResult, RunResult
from deepgym_env.sandbox import Backend, Isolation, IsolationLevel
from deepgym_env.sandbox.isolation import LEVELS
from deepgym_env.sandbox.workspace import Workspace
from deepgym_env.task import AnyTask, File, LanguageName, SessionLimits, StateTest, SubmissionTask, WorkspaceTask

__all__ = ["AsyncDeepGym", "Environment", "Mode", "Progress", "load_environment"]

Progress = Callable[[int, int], None]
Environment = AnyTask

_MAX_CODE = 1 << 20
_MAX_TEXT = 1 << 24
_MAX_STDIN = 1 << 27
_TTL = 3600.0  # seconds a session may be idle: trainers don't always close what they open


def load_environment(task_id: str, seed: int = 0) -> Environment:
    """Load a built-in task by id, to be given to :meth:`DeepGym.run`.

    Raises:
        UnknownTaskError: If there is no such task; the message names the nearest ones.
    """
    return load_task(task_id, seed)


class AsyncDeepGym:
    """Scores what models wrote, many at a time, each in a fresh sandboxed process.

    Bound to the event loop it is first used on. Sandboxes start with the first submission.

    Example:
        >>> import asyncio
        >>> async def main():
        ...     async with AsyncDeepGym(workers=1) as dg:
        ...         return await dg.run("fizzbuzz", "def fizzbuzz(n): return []")
        >>> asyncio.run(main()).passed
        False
    """

    def __init__(
        self,
        mode: Mode | None = None,
        *,
        image: str | None = None,
        workers: int | None = None,
        retries: int = 2,
        min_isolation: IsolationLevel = "process",
        backend: Backend | None = None,
        url: str | None = None,
        api_key: str | None = None,
    ) -> None:
        """Configure the engine; nothing is started yet.

        Args:
            mode: Where submissions run: on this machine in a sandbox (see
                :func:`~deepgym_env.sandbox.modes.backend_for`), by a server (``remote``), or on a Ray
                cluster (``ray``); by default what the environment variable ``DEEPGYM_MODE`` says, else ``local``.
            image: What the sandbox holds, for modes that run containers.
            workers: Runners; by default one per CPU this process may use.
            retries: How often a submission is tried again after an infrastructure failure.
            min_isolation: Refuse to run with less: ``none``, ``process`` or ``full``.
            backend: A backend of your own instead of the mode's.
            url: The server's address for ``remote``, by default ``DEEPGYM_URL``; the cluster's for ``ray``, as
                ``ray.init`` takes it.
            api_key: The key for ``remote``; by default ``DEEPGYM_API_KEY``.

        Raises:
            ConfigError: If an option has a value that can't work.
        """
        if workers is not None and workers < 1:
            raise ConfigError(f"workers must be at least 1, got {workers!r}")
        if retries < 0:
            raise ConfigError(f"retries must not be negative, got {retries!r}")
        if min_isolation not in LEVELS:
            raise ConfigError(f"min_isolation must be one of {', '.join(LEVELS)}, got {min_isolation!r}")
        self.mode = mode or os.environ.get("DEEPGYM_MODE") or "local"
        options = Options(
            image=image,
            workers=workers,
            retries=retries,
            min_isolation=min_isolation,
            backend=backend,
            url=url,
            api_key=api_key,
        )
        self._executor = executor_for(self.mode, options)

    @property
    def workers(self) -> int:
        """Runners side by side."""
        return self._executor.workers

    @property
    def executor(self) -> Executor:
        """Where its work is done, for submissions that are checked and are code already."""
        return self._executor

    async def run(self, env: Environment | str, model_output: str) -> RunResult:
        """Judge one submission.

        Args:
            env: The task, or the id of a built-in one.
            model_output: Code, or text with the code in its last fenced block.

        Returns:
            The verdict; after an infrastructure failure that outlasted all retries, a result with
            ``has_verdict=False``.

        Raises:
            IsolationError: If the sandbox is isolated less than asked for.
            ClosedError: If the engine is closed.
        """
        return (await self._judge([(_task_of(env), model_output)], None, None))[0]

    async def run_batch(
        self,
        env: Environment | str,
        outputs: Sequence[str],
        *,
        max_parallel: int | None = None,
        progress: Progress | None = None,
    ) -> BatchResult:
        """Judge many submissions; equal ones are run once.

        Args:
            env: The task, or the id of a built-in one.
            outputs: What the model wrote, one submission each.
            max_parallel: How many run at a time; by default what the workers can take.
            progress: Called with ``(done, total)`` after each submission.

        Returns:
            The results, in the order of ``outputs``.
        """
        if isinstance(outputs, str):
            raise ConfigError("outputs must be a sequence of submissions, got one str; use run() for one")
        task = _task_of(env)
        return BatchResult(results=tuple(await self._judge([(task, each) for each in outputs], max_parallel, progress)))

    async def run_many(
        self,
        submissions: Sequence[tuple[Environment | str, str]],
        *,
        max_parallel: int | None = None,
        progress: Progress | None = None,
    ) -> list[RunResult]:
        """Judge submissions, each of a task of its own; equal ones of a task are run once.

        Args:
            submissions: Tasks, or their ids, and what a model wrote.
            max_parallel: How many run at a time; by default what the workers can take.
            progress: Called with ``(done, total)`` after each submission.

        Returns:
            The results, in order.
        """
        return await self._judge([(_task_of(env), output) for env, output in submissions], max_parallel, progress)

    async def _judge(
        self, submissions: Sequence[tuple[SubmissionTask, str]], max_parallel: int | None, progress: Progress | None
    ) -> list[RunResult]:
        if max_parallel is not None and max_parallel < 1:
            raise ConfigError(f"max_parallel must be at least 1, got {max_parallel!r}")
        groups: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
        for number, (task, output) in enumerate(submissions):
            groups[id(task), _code_of(output, task.language)].append(number)
        results: dict[int, RunResult] = {}

        def settle(numbers: Sequence[int], result: RunResult) -> None:
            results.update((number, result) for number in numbers)
            if progress is not None:
                progress(len(results), len(submissions))

        asked = []
        for (_, code), numbers in groups.items():
            task = submissions[numbers[0]][0]
            refused = _refused(task, code)
            if refused is not None:
                settle(numbers, refused)
            else:
                asked.append(((task, code), numbers))
        if asked:
            await self._executor.run(
                [submission for submission, _ in asked],
                max_parallel=max_parallel,
                done=lambda number, result: settle(asked[number][1], result),
            )
        return [results[number] for number in range(len(submissions))]

    async def isolation(self) -> Isolation:
        """Start a sandbox if none runs and return what isolation is in force."""
        return await self._executor.isolation()

    async def session(
        self,
        task: WorkspaceTask | str | None = None,
        *,
        files: Sequence[File] = (),
        limits: SessionLimits | None = None,
        ttl: float | None = _TTL,
    ) -> Workspace:
        """Start a session: a workspace in a sandbox that lives from call to call.

        Args:
            task: Begin as this workspace task does; the next session of the same task is a copy.
            files: Without a task: what the workspace holds.
            limits: What a command may use; by default the task's.
            ttl: Seconds without a call after which the session is ended; None: never.

        Returns:
            The session; close it, or use it as a context manager.

        Raises:
            SandboxError: If none could be started, after all retries.
        """
        if task is not None and files:
            raise ConfigError("a session begins with a task or with files, not both")
        task = _workspace_task(task) if task is not None else None
        return await self._executor.session(task, files=files, limits=limits, ttl=ttl)

    async def resume(self, snapshot: Any) -> Workspace:
        """Start a session as another one was when the snapshot was taken: a branch.

        Raises:
            SandboxError: If the sandbox that holds the snapshot is gone.
        """
        return await self._executor.resume(snapshot)

    async def judge(
        self, task: WorkspaceTask | str, session: Workspace, *, tests: Sequence[StateTest] | None = None
    ) -> RunResult:
        """Judge the state of a session by a task's tests; nothing in the session changes.

        Args:
            task: The workspace task.
            session: What an agent worked in; nobody may use it meanwhile.
            tests: Which of the task's tests; by default all.

        Returns:
            The verdict; after an infrastructure failure a result with ``has_verdict=False``.

        Raises:
            TaskError: If the task's checker is broken.
        """
        return await self._executor.judge(_workspace_task(task), session, tests=tests)

    async def execute(self, program: Program, stdin: bytes = b"") -> ProgramResult:
        """Compile a stand-alone program and run it.

        Args:
            program: The program.
            stdin: What it reads from standard input.

        Returns:
            What it wrote and how it ended; after an infrastructure failure that outlasted all retries,
            a result with ``has_verdict=False``.

        Raises:
            LanguageError: If the sandbox has no toolchain for its language.
            RefusedError: If the program's files don't fit its disk.
        """
        return (await self.execute_many(program, [stdin]))[0]

    async def execute_many(
        self, program: Program, stdins: Sequence[bytes], *, max_parallel: int | None = None
    ) -> tuple[ProgramResult, ...]:
        """Compile a stand-alone program once and run it on many inputs.

        Each run begins with what the compiler left, and sees nothing of the others.

        Args:
            program: The program.
            stdins: What it reads from standard input, one run each.
            max_parallel: How many run at a time; by default what the workers can take.

        Returns:
            The results, in the order of ``stdins``; see :meth:`execute`.
        """
        if max_parallel is not None and max_parallel < 1:
            raise ConfigError(f"max_parallel must be at least 1, got {max_parallel!r}")
        if isinstance(stdins, (str, bytes)):
            raise ConfigError("stdins must be a sequence of inputs, got one; use execute() for one")
        inputs = [_stdin_of(stdin) for stdin in stdins]
        return await self._executor.execute(program, inputs, max_parallel)

    async def languages(self) -> Mapping[LanguageName, str | None]:
        """Return each language programs may be in with the version of its toolchain in the sandbox.

        None stands where the sandbox has none.

        Raises:
            SandboxError: If no sandbox could be started.
        """
        return await self._executor.languages()

    async def aclose(self) -> None:
        """End every sandbox; runs under way fail. Closing twice does no harm."""
        await self._executor.aclose()

    async def __aenter__(self) -> AsyncDeepGym:
        """Return the engine itself."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close the engine."""
        await self.aclose()


def _task_of(env: Environment | str) -> SubmissionTask:
    task = load_task(env) if isinstance(env, str) else env
    if isinstance(task, WorkspaceTask):
        raise ConfigError(
            f"{task.id!r} is a workspace task, worked on in many turns: "
            f"use gym.make('DeepGym/{task.id}'), deepgym_env.rollout, or session() and judge()"
        )
    if not isinstance(task, SubmissionTask):
        raise ConfigError(f"env must be a Task or the id of a built-in task, got {env!r}")
    return task


def _stdin_of(stdin: object) -> bytes:
    if not isinstance(stdin, (bytes, bytearray, memoryview)):
        raise ConfigError(f"stdin must be bytes, got {type(stdin).__name__}")
    if memoryview(stdin).nbytes > _MAX_STDIN:
        raise ConfigError(f"stdin must be no longer than {_MAX_STDIN} bytes, got {memoryview(stdin).nbytes}")
    return bytes(stdin)


def _workspace_task(task: Environment | str) -> WorkspaceTask:
    task = load_task(task) if isinstance(task, str) else task
    if not isinstance(task, WorkspaceTask):
        raise ConfigError(f"task must be a workspace task, got {getattr(task, 'id', task)!r}")
    return task


def _code_of(model_output: str, language: LanguageName) -> str:
    if not isinstance(model_output, str):
        raise ConfigError(f"model_output must be a str, got {type(model_output).__name__}")
    # What is longer still than any code may be is not searched for code, and refused as it is.
    return extract_code(model_output, language) if len(model_output) <= _MAX_TEXT else model_output


def _refused(task: SubmissionTask, code: str) -> RunResult | None:
    """Return the result of what isn't worth a sandbox."""
    if not code:
        return not_run(task, "no_code", "the text holds no code")
    if len(code) > _MAX_CODE:
        return not_run(task, "output_limit", f"the code is longer than {_MAX_CODE} characters")
    return None
