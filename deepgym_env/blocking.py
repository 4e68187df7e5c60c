"""The engine for programs without an event loop of their own.

- :class:`DeepGym`: what :class:`~deepgym_env.engine.AsyncDeepGym` is, on a loop on a thread.
- :class:`BlockingSession`: a session of it.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import functools
import os
import threading
import weakref
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

from deepgym_env.engine import AsyncDeepGym, Environment, Mode, Progress
from deepgym_env.errors import ClosedError, ConfigError
from deepgym_env.programs import Program, ProgramResult
from deepgym_env.result import BatchResult, RunResult
from deepgym_env.sandbox import Backend, Command, Entry, Isolation, IsolationLevel
from deepgym_env.sandbox.workspace import Keepsake, Workspace
from deepgym_env.task import File, LanguageName, SessionLimits, StateTest, WorkspaceTask

__all__ = ["BlockingSession", "DeepGym"]

_T = TypeVar("_T")


class DeepGym:
    """Scores what models wrote; safe to share between threads.

    Example:
        >>> from deepgym_env import load_environment
        >>> with DeepGym(workers=1) as dg:
        ...     result = dg.run(load_environment("reverse_string"), "def reverse_string(s): return s[::-1]")
        >>> result.score, result.passed
        (1.0, True)
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
        """Configure the engine as :class:`AsyncDeepGym` is; nothing is started yet."""
        self._make: Callable[[], AsyncDeepGym] = functools.partial(
            AsyncDeepGym,
            mode,
            image=image,
            workers=workers,
            retries=retries,
            min_isolation=min_isolation,
            backend=backend,
            url=url,
            api_key=api_key,
        )
        first = self._make()  # so that a wrong option fails here
        self.mode = first.mode
        self._workers = first.workers
        self._lock = threading.Lock()
        self._core: _Core | None = None
        self._closed = False
        _engines.add(self)

    def run(self, env: Environment | str, model_output: str) -> RunResult:
        """Judge one submission; see :meth:`AsyncDeepGym.run`."""
        return self.call(lambda engine: engine.run(env, model_output))

    def run_batch(
        self,
        env: Environment | str,
        outputs: Sequence[str],
        *,
        max_parallel: int | None = None,
        progress: Progress | None = None,
    ) -> BatchResult:
        """Judge many submissions; see :meth:`AsyncDeepGym.run_batch`.

        ``progress`` is called on the engine's own thread.
        """
        return self.call(lambda engine: engine.run_batch(env, outputs, max_parallel=max_parallel, progress=progress))

    def run_many(
        self,
        submissions: Sequence[tuple[Environment | str, str]],
        *,
        max_parallel: int | None = None,
        progress: Progress | None = None,
    ) -> list[RunResult]:
        """Judge submissions, each of a task of its own; see :meth:`AsyncDeepGym.run_many`.

        Example:
            >>> with DeepGym(workers=1) as dg:
            ...     results = dg.run_many([("fizzbuzz", "nonsense"), ("two_sum", "nonsense")])
            >>> [result.task_id for result in results]
            ['fizzbuzz', 'two_sum']
        """
        return self.call(lambda engine: engine.run_many(submissions, max_parallel=max_parallel, progress=progress))

    def session(
        self,
        task: WorkspaceTask | str | None = None,
        *,
        files: Sequence[File] = (),
        limits: SessionLimits | None = None,
        ttl: float | None = 3600.0,
    ) -> BlockingSession:
        """Start a session; see :meth:`AsyncDeepGym.session`."""
        session = self.call(lambda engine: engine.session(task, files=files, limits=limits, ttl=ttl))
        return BlockingSession(session, self)

    def resume(self, snapshot: Keepsake) -> BlockingSession:
        """Start a session as another one was; see :meth:`AsyncDeepGym.resume`."""
        return BlockingSession(self.call(lambda engine: engine.resume(snapshot)), self)

    def judge(
        self, task: WorkspaceTask | str, session: BlockingSession, *, tests: Sequence[StateTest] | None = None
    ) -> RunResult:
        """Judge the state of a session; see :meth:`AsyncDeepGym.judge`."""
        return self.call(lambda engine: engine.judge(task, session.session, tests=tests))

    def execute(self, program: Program, stdin: bytes = b"") -> ProgramResult:
        r"""Compile a stand-alone program and run it; see :meth:`AsyncDeepGym.execute`.

        Example:
            >>> with DeepGym(workers=1) as dg:
            ...     result = dg.execute(Program(language="bash", code="read name; echo Hello, $name"), b"you\n")
            >>> result.status, result.stdout
            ('ok', 'Hello, you\n')
        """
        return self.call(lambda engine: engine.execute(program, stdin))

    def execute_many(
        self, program: Program, stdins: Sequence[bytes], *, max_parallel: int | None = None
    ) -> tuple[ProgramResult, ...]:
        """Compile a program once and run it on many inputs; see :meth:`AsyncDeepGym.execute_many`."""
        return self.call(lambda engine: engine.execute_many(program, stdins, max_parallel=max_parallel))

    def languages(self) -> Mapping[LanguageName, str | None]:
        """Return the languages and the versions of their toolchains; see :meth:`AsyncDeepGym.languages`."""
        return self.call(lambda engine: engine.languages())

    def isolation(self) -> Isolation:
        """Start a sandbox if none runs and return what isolation is in force."""
        return self.call(lambda engine: engine.isolation())

    def close(self) -> None:
        """End every sandbox. Closing twice does no harm."""
        with self._lock:
            self._closed = True
            core, self._core = self._core, None
        if core is not None:
            core.stop()

    def __enter__(self) -> DeepGym:
        """Return the engine itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the engine."""
        self.close()

    def call(self, ask: Callable[[AsyncDeepGym], Coroutine[Any, Any, _T]]) -> _T:
        """Run ``ask(engine)`` on the engine's event loop and return what it returns.

        For what has no method here: environments keep many episodes going at once this way.
        """
        return self._running().call(ask)

    def submit(self, ask: Callable[[AsyncDeepGym], Coroutine[Any, Any, _T]]) -> concurrent.futures.Future[_T]:
        """Have ``ask(engine)`` run on the engine's event loop; return the future of what it returns.

        For programs with an event loop of their own: ``await asyncio.wrap_future(dg.submit(...))``.
        """
        return self._running().submit(ask)

    def post(self, ask: Callable[[AsyncDeepGym], Coroutine[Any, Any, Any]]) -> None:
        """Have ``ask(engine)`` run on the engine's event loop sometime; after ``close`` it does nothing."""
        with self._lock:
            core = self._core
        if core is not None:
            core.post(ask)

    def _running(self) -> _Core:
        with self._lock:
            if self._closed:
                raise ClosedError("the engine is closed; make a new one")
            if self._core is None:
                self._core = _Core(self._make())
                weakref.finalize(self, _Core.stop, self._core)
            return self._core

    @property
    def workers(self) -> int:
        """Runners side by side, as far as is known: of another place only once it was asked for something."""
        core = self._core
        return core.workers if core is not None else self._workers

    @property
    def closed(self) -> bool:
        """Whether the engine has been closed."""
        return self._closed

    def _after_fork(self) -> None:
        """In a forked child: the parent's loop and sandboxes are not ours; start afresh when needed."""
        self._lock = threading.Lock()
        if self._core is not None:
            self._core.abandoned = True
            self._core = None


class BlockingSession:
    r"""A :class:`~deepgym_env.sandbox.Session` whose calls wait for their answer.

    Example:
        >>> with DeepGym(workers=1) as dg, dg.session(files=[File("a.txt", b"hello")]) as session:
        ...     session.exec("cat a.txt; export X=1; mkdir sub; cd sub").stdout
        ...     session.exec("echo $X; pwd").stdout
        'hello'
        '1\n/workspace/sub\n'
    """

    def __init__(self, session: Workspace, engine: DeepGym) -> None:
        """Wrap a session of ``engine``."""
        self.session = session
        self._engine = engine

    def exec(
        self,
        command: str | Sequence[str],
        *,
        stdin: bytes = b"",
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        merge: bool = True,
        shell_state: bool = True,
        limits: SessionLimits | None = None,
    ) -> Command:
        """Run a command; see :meth:`Session.exec`."""
        return self._call(
            self.session.exec(
                command, stdin=stdin, cwd=cwd, env=env, merge=merge, shell_state=shell_state, limits=limits
            )
        )

    def read(self, path: str, *, limit: int = 1 << 24) -> bytes:
        """Return a file's contents; see :meth:`Session.read`."""
        return self._call(self.session.read(path, limit=limit))

    def write(self, path: str, data: bytes | str, *, executable: bool = False) -> None:
        """Write a file; see :meth:`Session.write`."""
        self._call(self.session.write(path, data, executable=executable))

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a piece of text; see :meth:`Session.edit`."""
        self._call(self.session.edit(path, old, new))

    def list(self, path: str = ".", *, depth: int = 3, limit: int = 500) -> tuple[list[Entry], bool]:
        """Return what lies below a folder; see :meth:`Session.list`."""
        return self._call(self.session.list(path, depth=depth, limit=limit))

    def snapshot(self) -> Keepsake:
        """Keep the session as it is now; see :meth:`Session.snapshot`."""
        return self._call(self.session.snapshot())

    def restore(self, snapshot: Keepsake) -> None:
        """Make the session as it was; see :meth:`Session.restore`."""
        self._call(self.session.restore(snapshot))

    def drop(self, snapshot: Keepsake) -> None:
        """Forget a snapshot; see :meth:`Session.drop`."""
        self._call(self.session.drop(snapshot))

    def fork(self) -> BlockingSession:
        """Return another session that begins as this one is now."""
        return BlockingSession(self._call(self.session.fork()), self._engine)

    def close(self) -> None:
        """End the session. Closing twice does no harm, nor does closing it after its engine."""
        work = self.session.close()
        if self._engine.closed:
            work.close()
        else:
            self._call(work)

    def __enter__(self) -> BlockingSession:
        """Return the session itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close it."""
        self.close()

    def _call(self, work: Coroutine[Any, Any, _T]) -> _T:
        return self._engine.call(lambda _: work)


class _Core:
    """An event loop on a thread, with the engine that lives there."""

    def __init__(self, engine: AsyncDeepGym) -> None:
        self._engine = engine
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=_run, args=(self._loop,), name="deepgym", daemon=True)
        self._thread.start()
        self.abandoned = False
        self._ending = threading.RLock()  # a finalizer may end it in the middle of anything
        self._posted: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()

    @property
    def workers(self) -> int:
        return self._engine.workers

    def call(self, ask: Callable[[AsyncDeepGym], Coroutine[Any, Any, _T]]) -> _T:
        if threading.current_thread() is self._thread:
            raise ConfigError("a progress callback must not call the engine it reports on")
        future = self.submit(ask)
        try:
            return future.result()
        except concurrent.futures.CancelledError as error:
            raise ClosedError("the engine was closed while this ran") from error
        except KeyboardInterrupt:
            future.cancel()
            raise

    def submit(self, ask: Callable[[AsyncDeepGym], Coroutine[Any, Any, _T]]) -> concurrent.futures.Future[_T]:
        with self._ending:  # what comes before the end is cancelled by it; what came after would be waited for forever
            if self.abandoned:
                raise ClosedError("the engine is closed; make a new one")
            return asyncio.run_coroutine_threadsafe(ask(self._engine), self._loop)

    def post(self, ask: Callable[[AsyncDeepGym], Coroutine[Any, Any, Any]]) -> None:
        with contextlib.suppress(RuntimeError):  # closed by now
            self._loop.call_soon_threadsafe(lambda: self._posted.add(self._loop.create_task(ask(self._engine))))

    def stop(self) -> None:
        if self.abandoned:  # in a forked child its lock may be held by nobody
            return
        with self._ending:
            if self.abandoned:
                return
            self.abandoned = True
        if threading.current_thread() is self._thread:  # the last reference was dropped here: nobody waits for the end
            self._loop.create_task(self._shut_down()).add_done_callback(lambda _: self._loop.stop())
            return
        asyncio.run_coroutine_threadsafe(self._shut_down(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _shut_down(self) -> None:
        await self._engine.aclose()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._loop.shutdown_default_executor()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


_engines: weakref.WeakSet[DeepGym] = weakref.WeakSet()


def _forget_after_fork() -> None:
    for engine in list(_engines):
        engine._after_fork()


os.register_at_fork(after_in_child=_forget_after_fork)
