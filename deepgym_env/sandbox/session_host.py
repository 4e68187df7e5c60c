"""Opens sessions and looks after them: shares runners among them, keeps templates, ends idle ones.

- :class:`SessionHost`
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Sequence

from deepgym_env.errors import RefusedError, SandboxError, TaskError
from deepgym_env.sandbox.pool import Pool
from deepgym_env.sandbox.process import Runner
from deepgym_env.sandbox.runner.request import pack
from deepgym_env.sandbox.session import NAMES, SLACK_SECONDS, Session, Snapshot, operate
from deepgym_env.task import File, SessionLimits

__all__ = ["SessionHost"]

_TEMPLATES = 64
_REAP_SECONDS = 5.0


class SessionHost:
    """Sessions over a pool of runners: many on each, every call in a process of its own."""

    def __init__(self, pool: Pool, *, in_flight: int = 64) -> None:
        """Share the runners of ``pool``; nothing is started yet.

        Args:
            pool: Runners that hold sessions.
            in_flight: Calls under way on one runner at a time.
        """
        self._pool = pool
        self._in_flight = in_flight
        self._slots: dict[tuple[Runner, bool], asyncio.Semaphore] = {}
        self._sessions: dict[Session, Runner] = {}
        self._templates: OrderedDict[tuple[Runner, str], asyncio.Future[str]] = OrderedDict()
        self._reaper: asyncio.Task[None] | None = None

    async def open(
        self,
        files: Sequence[File] = (),
        *,
        setup: str | None = None,
        service: str | None = None,
        limits: SessionLimits | None = None,
        ttl: float | None = None,
        template: str | None = None,
    ) -> Session:
        """Start a session.

        Args:
            files: What its workspace holds.
            setup: Shell commands that prepare it, run before anyone sees it.
            service: Source of the HTTP service that runs beside each command.
            limits: What a command may use.
            ttl: Seconds without a call after which it is ended; None: never.
            template: A key under which files and set-up are kept, so that the next session
                of the same key is a copy.

        Raises:
            SandboxError: If no sandbox can be had.
            TaskError: If the set-up fails.
        """
        runner = await self._pool.pinned(self._counts())
        session = self.adopt(runner, limits or SessionLimits(), service, ttl)
        try:
            if template is None:
                await self._furnish(session, files, setup)
            else:
                await session.create((), await self._template(session, template, files, setup))
        except BaseException:
            self.forget(session)
            with contextlib.suppress(SandboxError):
                await session.close()
            raise
        return session

    async def _furnish(self, session: Session, files: Sequence[File], setup: str | None) -> None:
        await session.create(files)
        if setup:
            done = await session.exec(setup, shell_state=False)
            if done.code or done.reason:
                raise TaskError(f"the set-up of the workspace failed ({done.reason or done.code}): {done.stdout}")

    async def _template(self, session: Session, key: str, files: Sequence[File], setup: str | None) -> str:
        """Return the name of the snapshot sessions of that key begin with; made by the first."""
        place = (session.runner, key)
        known = self._templates.get(place)
        if known is None or (known.done() and (known.cancelled() or known.exception())):
            known = self._templates[place] = asyncio.ensure_future(self._make_template(session, files, setup))
        self._templates.move_to_end(place)
        if len(self._templates) > _TEMPLATES:
            await self._drop_oldest(session)
        return await asyncio.shield(known)

    async def _make_template(self, session: Session, files: Sequence[File], setup: str | None) -> str:
        first = self.adopt(session.runner, session.limits, session.service, None)
        try:
            await self._furnish(first, files, setup)
            return (await first.snapshot()).name
        except RefusedError as error:  # no room for one more: of the machine, not of the agent
            raise SandboxError(f"the workspace can't be provided: {error}") from error
        finally:
            await first.close()

    async def _drop_oldest(self, session: Session) -> None:
        (runner, _), made = self._templates.popitem(last=False)
        if runner.alive and made.done() and not made.cancelled() and not made.exception():
            header = {"op": "drop", "session": session.name, "snapshot": made.result()}
            with contextlib.suppress(SandboxError):
                await operate(runner, pack(header), 60.0, SLACK_SECONDS)

    async def resume(self, snapshot: Snapshot) -> Session:
        """Start a session as another one was when the snapshot was taken.

        Raises:
            SandboxError: If the runner that holds the snapshot is gone.
        """
        session = self.adopt(snapshot.runner, snapshot.limits, snapshot.service, snapshot.ttl)
        await session.begin(["snapshot", snapshot.name], snapshot.cwd, snapshot.exports)
        return session

    def adopt(self, runner: Runner, limits: SessionLimits, service: str | None, ttl: float | None) -> Session:
        """Note a new session of a runner; its owner has it made."""
        session = Session(self, runner, f"s{next(NAMES)}", limits, service, ttl)
        self._sessions[session] = runner
        if self._reaper is None or self._reaper.done():
            self._reaper = asyncio.ensure_future(self._reap())
        return session

    def forget(self, session: Session) -> None:
        """Note that a session is over."""
        self._sessions.pop(session, None)

    def slot(self, runner: Runner, waits: bool = False) -> asyncio.Semaphore:
        """Return what bounds the calls under way on a runner; those that wait for other calls are bounded apart."""
        self._slots = {key: slot for key, slot in self._slots.items() if key[0].alive or key[0] is runner}
        return self._slots.setdefault((runner, waits), asyncio.Semaphore(self._in_flight))

    async def aclose(self) -> None:
        """End every session, with the runners that hold them."""
        if self._reaper is not None:
            self._reaper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reaper
        for session in list(self._sessions):
            session.end("the engine is closed")
        self._sessions.clear()
        self._pool.close()

    def _counts(self) -> dict[Runner, int]:
        counts: dict[Runner, int] = {}
        for runner in self._sessions.values():
            counts[runner] = counts.get(runner, 0) + 1
        return counts

    async def _reap(self) -> None:
        """End sessions nobody has used for their time to live."""
        while self._sessions:
            await asyncio.sleep(min([_REAP_SECONDS, *(s.ttl / 4 for s in self._sessions if s.ttl)]))
            now = time.monotonic()
            for session in list(self._sessions):
                if session.ttl is not None and not session.busy and now - session.last_used > session.ttl:
                    await session.close()
                    session.end(f"the session was idle for {session.ttl:.0f} s and has expired; pass a larger ttl")
