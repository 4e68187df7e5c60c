"""Sessions of an engine by id: for transports that can pass plain values only, as a cluster's and HTTP are.

- :class:`Workspaces`; what is at the other end is a :class:`~deepgym_env.distant_session.DistantSession`.
- :class:`Opener`: where sessions are opened.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from deepgym_env.errors import ClosedError, ConfigError, RefusedError, SandboxError, UnknownSessionError
from deepgym_env.result import RunResult
from deepgym_env.sandbox import Isolation
from deepgym_env.sandbox.workspace import Keepsake, Workspace
from deepgym_env.task import File, SessionLimits, StateTest, WorkspaceTask

__all__ = ["Opener", "Workspaces"]

_OF_SESSIONS = ("exec", "read", "write", "edit", "list", "service_state")
_OF_THIS = ("snapshot", "restore", "drop", "fork", "isolation", "describe")
_WHOLE = ("open", "resume", "judge", "close")
_SNAPSHOTS = 64  # for each session there may be


class Opener(Protocol):
    """Where sessions are: an engine, or an executor."""

    async def session(
        self,
        task: WorkspaceTask | None,
        *,
        files: Sequence[File],
        limits: SessionLimits | None,
        ttl: float | None,
    ) -> Workspace:
        """Start a session."""

    async def resume(self, snapshot: Any) -> Workspace:
        """Start a session as another one was."""

    async def judge(self, task: WorkspaceTask, session: Workspace, *, tests: Sequence[StateTest] | None) -> RunResult:
        """Judge the state of a session."""


@dataclass(slots=True)
class _Held:
    """A session or a snapshot that is kept, and when it was last asked for."""

    thing: Any
    ttl: float | None
    touched: float
    calls: int = 0


class Workspaces:
    r"""Keeps sessions of one engine by ids nobody can guess; bound to the engine's event loop.

    What nobody asks for within its ``ttl`` is ended, snapshots too, since a client may be gone for good. All
    arguments and results are plain values.

    Example:
        >>> import asyncio
        >>> from deepgym_env import AsyncDeepGym
        >>> async def main():
        ...     async with AsyncDeepGym(workers=1) as engine:
        ...         workspaces = Workspaces(engine)
        ...         session = await workspaces.open(None, files=[File("a.txt", b"hello")])
        ...         return (await workspaces.call(session, "exec", command="cat a.txt")).stdout
        >>> asyncio.run(main())
        'hello'
    """

    def __init__(self, engine: Opener, *, capacity: int = 1024, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep no session yet.

        Args:
            engine: Where they are; it is not closed by this.
            capacity: Most sessions at a time.
            clock: Seconds that only grow.
        """
        if capacity < 1:
            raise ConfigError(f"capacity must be at least 1, got {capacity!r}")
        self._engine, self._capacity, self._clock = engine, capacity, clock
        self._sessions: dict[str, _Held] = {}
        self._snapshots: dict[str, _Held] = {}
        self._opening = 0
        self._closed = False

    async def open(
        self,
        task: WorkspaceTask | None = None,
        *,
        files: Sequence[File] = (),
        limits: SessionLimits | None = None,
        ttl: float | None = 3600.0,
    ) -> str:
        """Start a session, see :meth:`AsyncDeepGym.session`; return its id.

        Raises:
            SandboxError: If none could be started, or there are as many as may be.
            ClosedError: If this is closed.
        """
        await self.sweep()
        with self._room():
            return await self._admit(await self._engine.session(task, files=files, limits=limits, ttl=ttl), ttl)

    async def resume(self, snapshot: str) -> str:
        """Start a session as another one was when the snapshot was taken; return its id.

        Raises:
            UnknownSessionError: If there is no such snapshot.
            SandboxError: If the sandbox that holds it is gone.
        """
        await self.sweep()
        kept = self._kept(snapshot)
        with self._room(), self._used(kept):
            return await self._admit(await self._engine.resume(kept.thing), kept.ttl)

    async def call(self, session: str, operation: str, **arguments: Any) -> Any:
        """Make a call on a session.

        Args:
            session: Its id.
            operation: A method of :class:`~deepgym_env.sandbox.workspace.Workspace`, ``isolation``, or ``describe``,
                which returns its limits, its isolation and its time to live. Snapshots are ids: ``snapshot``
                returns one, ``restore`` and ``drop`` take one; ``fork`` returns a session's.
            arguments: What the method takes, by name.

        Raises:
            UnknownSessionError: If there is no such session or snapshot.
            ClosedError: If the session has expired.
            RefusedError: If it can't do what was asked; then nothing changed.
            SandboxError: If its sandbox was lost.
        """
        if operation not in (*_OF_SESSIONS, *_OF_THIS):
            raise ConfigError(f"operation must be one of {', '.join((*_OF_SESSIONS, *_OF_THIS))}, got {operation!r}")
        held = self._held(session)
        with self._used(held):
            try:
                if operation in _OF_SESSIONS:
                    return await getattr(held.thing, operation)(**arguments)
                return await getattr(self, f"_{operation}")(held, **arguments)
            except ClosedError:
                self._sessions.pop(session, None)
                raise

    async def judge(self, session: str, task: WorkspaceTask, tests: Sequence[StateTest] | None = None) -> RunResult:
        """Judge the state of a session; see :meth:`AsyncDeepGym.judge`."""
        held = self._held(session)
        with self._used(held):
            return await self._engine.judge(task, held.thing, tests=tests)

    async def close(self, session: str) -> None:
        """End a session. Closing one that is over does no harm."""
        held = self._sessions.pop(session, None)
        if held is not None:
            await held.thing.close()

    async def perform(self, operation: str, arguments: Mapping[str, Any]) -> Any:
        """Do what a :class:`~deepgym_env.distant_session.DistantSession` asks for, by the names it has for it.

        Args:
            operation: ``open``, ``resume``, ``judge``, ``close``, or one of :meth:`call`'s.
            arguments: Of that method, by name.
        """
        if operation in _WHOLE:
            return await getattr(self, operation)(**arguments)
        return await self.call(operation=operation, **arguments)

    async def sweep(self) -> int:
        """End what nobody has asked for in its time to live; return how many sessions."""
        sessions = self._idle(self._sessions)
        for session in sessions:
            await self.close(session)
        for snapshot in self._idle(self._snapshots):
            await self._discard(snapshot)
        return len(sessions)

    async def aclose(self) -> None:
        """End every session and snapshot; no more can be begun. Closing twice does no harm."""
        self._closed = True
        for snapshot in list(self._snapshots):
            await self._discard(snapshot)
        for session in list(self._sessions):
            await self.close(session)

    def __len__(self) -> int:
        """Return how many sessions there are."""
        return len(self._sessions)

    @property
    def empty(self) -> bool:
        """Whether nothing is kept, nor about to be."""
        return not (self._sessions or self._snapshots or self._opening)

    # ── what sessions have no plain answer to ─────────────────────────────────────────────

    async def _isolation(self, held: _Held) -> Isolation:
        isolation: Isolation = held.thing.isolation
        return isolation

    async def _describe(self, held: _Held) -> tuple[SessionLimits, Isolation, float | None]:
        return held.thing.limits, held.thing.isolation, held.ttl

    async def _snapshot(self, held: _Held) -> str:
        if len(self._snapshots) >= _SNAPSHOTS * self._capacity:
            raise RefusedError(f"{len(self._snapshots)} snapshots are kept, the most there may be: drop some")
        snapshot = _new_id()
        self._snapshots[snapshot] = _Held(await held.thing.snapshot(), held.ttl, self._clock())
        return snapshot

    async def _restore(self, held: _Held, snapshot: str) -> None:
        kept = self._kept(snapshot)
        with self._used(kept):
            if held.thing.holds(kept.thing):
                await held.thing.restore(kept.thing)
                return
            # It is on another runner: the session goes on there.
            left, held.thing = held.thing, await self._engine.resume(kept.thing)
            await left.close()

    async def _drop(self, held: _Held, snapshot: str) -> None:
        self._kept(snapshot)
        await self._discard(snapshot)

    async def _fork(self, held: _Held) -> str:
        await self.sweep()
        with self._room():
            return await self._admit(await held.thing.fork(), held.ttl)

    async def _discard(self, snapshot: str) -> None:
        """Forget a snapshot, through a session on its runner."""
        held = self._snapshots.pop(snapshot, None)
        kept: Keepsake | None = held.thing if held is not None else None
        if kept is None or not kept.alive:
            return
        near = [held.thing for held in self._sessions.values() if held.thing.holds(kept)]
        for session in near:
            with contextlib.suppress(ClosedError, SandboxError):
                await session.drop(kept)
                return
        with contextlib.suppress(ClosedError, SandboxError, RefusedError):
            async with await self._engine.resume(kept) as made_for_it:
                await made_for_it.drop(kept)

    # ── books ─────────────────────────────────────────────────────────────────────────────

    async def _admit(self, session: Workspace, ttl: float | None) -> str:
        if self._closed:  # while it was opened
            await session.close()
            raise ClosedError("the sessions' keeper is closed")
        name = _new_id()
        self._sessions[name] = _Held(session, ttl, self._clock())
        return name

    @contextlib.contextmanager
    def _room(self) -> Iterator[None]:
        """Reserve a place for one more session."""
        if self._closed:
            raise ClosedError("the sessions' keeper is closed")
        if len(self) + self._opening >= self._capacity:
            raise SandboxError(f"{self._capacity} sessions are open, the most there may be: close some")
        self._opening += 1
        try:
            yield
        finally:
            self._opening -= 1

    @contextlib.contextmanager
    def _used(self, held: _Held) -> Iterator[None]:
        """Note a call under way: what is at work is not idle."""
        held.calls += 1
        held.touched = self._clock()
        try:
            yield
        finally:
            held.calls -= 1
            held.touched = self._clock()

    def _held(self, session: str) -> _Held:
        held = self._sessions.get(session)
        if held is None:
            raise UnknownSessionError(f"no session {session!r}: it was ended, or never begun")
        return held

    def _kept(self, snapshot: str) -> _Held:
        kept = self._snapshots.get(snapshot)
        if kept is None:
            raise UnknownSessionError(f"no snapshot {snapshot!r}: it was dropped, has expired, or was never taken")
        return kept

    def _idle(self, things: Mapping[str, _Held]) -> list[str]:
        now = self._clock()
        return [
            name
            for name, held in things.items()
            if held.ttl is not None and not held.calls and now - held.touched > held.ttl
        ]


def _new_id() -> str:
    return secrets.token_urlsafe(24)
