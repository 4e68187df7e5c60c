"""A session somewhere else: what a cluster and a server give their clients.

- :class:`DistantSession`: a :class:`~deepgym_env.sandbox.workspace.Workspace` over whatever carries its calls to
  :class:`~deepgym_env.workspaces.Workspaces`.
- :class:`DistantSnapshot`: a snapshot of one; :data:`Ask`: what carries the calls.
"""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deepgym_env.errors import ClosedError, RefusedError, SandboxError, UnknownSessionError
from deepgym_env.sandbox import Command, Entry, Isolation
from deepgym_env.task import SessionLimits

__all__ = ["Ask", "DistantSession", "DistantSnapshot"]

Ask = Callable[[str, dict[str, Any]], Awaitable[Any]]
"""Carries a call: given an operation's name and its arguments by name, as
:meth:`Workspaces.perform <deepgym_env.workspaces.Workspaces.perform>` takes them, returns what that returns and
raises what it raises. Arguments name the session they are for (``session``); only ``resume`` is for none."""


@dataclass(slots=True, eq=False)
class DistantSnapshot:
    """A session as it was, kept where the session is.

    Attributes:
        id: Its id there.
        home: Where that is, in the words of who made the session.
        alive: Whether it can still be restored, as far as is known.
        limits: What a command of a session that goes on from it may use.
        isolation: What isolation is in force there, as far as is known.
    """

    id: str
    home: Any = None
    alive: bool = True
    limits: SessionLimits = field(default_factory=SessionLimits)
    isolation: Isolation | None = None


class DistantSession:
    r"""A session somewhere else, with the methods of :class:`~deepgym_env.sandbox.session.Session`.

    A session that isn't there any more counts as closed: an episode then goes on in a new one.

    Example:
        >>> import asyncio
        >>> from deepgym_env import AsyncDeepGym
        >>> from deepgym_env.workspaces import Workspaces
        >>> async def main():
        ...     async with AsyncDeepGym(workers=1) as engine:
        ...         workspaces = Workspaces(engine)
        ...         there = await workspaces.open(None)
        ...         async with DistantSession(there, SessionLimits(), workspaces.perform) as session:
        ...             await session.write("a.txt", "hello")
        ...             return (await session.exec(["cat", "a.txt"])).stdout
        >>> asyncio.run(main())
        'hello'
    """

    def __init__(
        self, session_id: str, limits: SessionLimits, call: Ask, *, home: Any = None, isolation: Isolation | None = None
    ) -> None:
        """Speak for a session there is.

        Args:
            session_id: Its id there.
            limits: What its commands may use.
            call: Carries its calls.
            home: Where it is, whatever that is to the caller: snapshots can be restored by sessions of an equal home.
            isolation: What isolation is in force there.
        """
        self.id = session_id
        self.limits = limits
        self.home = home
        self._call = call
        self._isolation = isolation
        self._closed = False

    @classmethod
    async def resumed(cls, snapshot: DistantSnapshot, call: Ask) -> DistantSession:
        """Start a session as another one was when the snapshot was taken.

        Raises:
            SandboxError: If the snapshot is gone.
        """
        try:
            session = await call("resume", {"snapshot": snapshot.id})
        except UnknownSessionError as error:
            snapshot.alive = False
            raise SandboxError(str(error)) from error
        return cls(session, snapshot.limits, call, home=snapshot.home, isolation=snapshot.isolation)

    @property
    def isolation(self) -> Isolation:
        """What isolation is in force.

        Raises:
            SandboxError: If who made the session didn't say.
        """
        if self._isolation is None:
            raise SandboxError("what isolates this session isn't known here: ask the engine's isolation()")
        return self._isolation

    async def exec(
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
        """Run a command and wait until it and all it started are over; see :meth:`Session.exec`."""
        done: Command = await self._ask(
            "exec",
            command=command if isinstance(command, str) else list(command),
            stdin=stdin,
            cwd=cwd,
            env=dict(env or {}),
            merge=merge,
            shell_state=shell_state,
            limits=limits,
        )
        return done

    async def read(self, path: str, *, limit: int = 1 << 24) -> bytes:
        """Return a file's contents; see :meth:`Session.read`."""
        data: bytes = await self._ask("read", path=path, limit=limit)
        return data

    async def write(self, path: str, data: bytes | str, *, executable: bool = False) -> None:
        """Replace a file, or make it; see :meth:`Session.write`."""
        await self._ask("write", path=path, data=data, executable=executable)

    async def edit(self, path: str, old: str, new: str) -> None:
        """Replace the one place where ``old`` stands; see :meth:`Session.edit`."""
        await self._ask("edit", path=path, old=old, new=new)

    async def list(self, path: str = ".", *, depth: int = 3, limit: int = 500) -> tuple[builtins.list[Entry], bool]:
        """Return what lies below a folder, and whether that is all; see :meth:`Session.list`."""
        listing: tuple[builtins.list[Entry], bool] = await self._ask("list", path=path, depth=depth, limit=limit)
        return listing

    async def service_state(self) -> Any:
        """Return what the session's service has kept."""
        return await self._ask("service_state")

    async def snapshot(self) -> DistantSnapshot:
        """Keep the session as it is now."""
        snapshot = await self._ask("snapshot")
        return DistantSnapshot(snapshot, self.home, limits=self.limits, isolation=self._isolation)

    async def restore(self, snapshot: Any) -> None:
        """Make the session as it was when the snapshot was taken, of this session or of another at its home."""
        await self._ask("restore", snapshot=self._insist_held(snapshot).id)

    async def drop(self, snapshot: Any) -> None:
        """Forget a snapshot."""
        await self._ask("drop", snapshot=self._insist_held(snapshot).id)
        snapshot.alive = False

    def holds(self, snapshot: Any) -> bool:
        """Whether a snapshot is at this session's home, so that it can be restored here."""
        return isinstance(snapshot, DistantSnapshot) and snapshot.home == self.home

    async def fork(self) -> DistantSession:
        """Return another session that begins as this one is now."""
        other = await self._ask("fork")
        return DistantSession(other, self.limits, self._call, home=self.home, isolation=self._isolation)

    async def close(self) -> None:
        """End the session. Closing twice does no harm, nor where it is gone already."""
        if not self._closed:
            self._closed = True
            with contextlib.suppress(SandboxError, ClosedError, UnknownSessionError):
                await self._call("close", {"session": self.id})

    async def __aenter__(self) -> DistantSession:
        """Return the session itself."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close it."""
        await self.close()

    def _insist_held(self, snapshot: Any) -> DistantSnapshot:
        if not self.holds(snapshot):
            raise RefusedError("the snapshot is of a session somewhere else: resume it where it is")
        held: DistantSnapshot = snapshot
        return held

    async def _ask(self, operation: str, **arguments: Any) -> Any:
        if self._closed:
            raise ClosedError("the session is closed")
        try:
            return await self._call(operation, {"session": self.id, **arguments})
        except UnknownSessionError as error:
            raise ClosedError(str(error)) from error
