"""One runner as the engine sees it: a process somewhere and a stream of frames to it.

- :class:`Backend`: what can start runners.
- :class:`Handle`: a started one, as a backend returns it.
- :class:`Runner`: speaks the protocol over the handle's stream; many jobs at a time.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import os
import socket
import struct
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from deepgym_env.errors import SandboxError
from deepgym_env.sandbox.execution import Ending, Forfeited, Job, Next
from deepgym_env.sandbox.isolation import Isolation
from deepgym_env.sandbox.runner import wire

__all__ = ["Backend", "Handle", "LostError", "Runner"]

_START_SECONDS = 60.0
_ASK_AFTER, _GIVE_UP_AFTER = 5.0, 60.0  # seconds without a word from a runner that has work

Take = Callable[[bytes], "bytes | Awaitable[bytes | Next] | None"]


class LostError(SandboxError):
    """The runner died, or could not run a job: no verdict, worth another try."""


class Handle(Protocol):
    """A started runner."""

    stream: socket.socket
    config: dict[str, Any]
    layers: dict[str, str | None]  # of isolation put on from outside: why not in force, or None

    def unwrap(self, data: bytes) -> bytes:
        """Return the runner's bytes in what has arrived on the stream.

        Raises:
            ValueError: If it is not as it should be.
        """

    def kill(self) -> None:
        """End it and everything it started."""

    def diagnosis(self) -> str:
        """Return what it left to say, for an error message."""


class Backend(Protocol):
    """A place where runners can be started."""

    name: str

    def start(self) -> Handle:
        """Start a runner.

        Raises:
            SandboxError: If it can't be started.
        """

    def for_sessions(self) -> Backend:
        """Return a backend like this one whose runners hold sessions' workspaces."""

    def for_suites(self) -> Backend:
        """Return a backend like this one whose runners have what suites of tests use: packages, pytest."""


@dataclass(slots=True)
class _Active:
    """A job under way."""

    take: Take
    done: asyncio.Future[Ending]
    cpu_total: float
    reply: asyncio.Task[None] | None = None  # one that takes time


class Runner(asyncio.Protocol):
    """A running runner; create it with :meth:`start`, on the event loop that uses it."""

    def __init__(self, handle: Handle) -> None:
        """Wrap a started process; :meth:`start` does the rest."""
        self._handle = handle
        self._frames = wire.FrameReader()
        self._writes = wire.FrameWriter()
        self._active: dict[int, _Active] = {}
        self._next_run = 1
        self._transport: asyncio.Transport | None = None
        self._ready: asyncio.Future[Isolation] = asyncio.get_running_loop().create_future()
        self._heard = 0.0  # when the runner last said something, by the loop's clock
        self._watch: asyncio.TimerHandle | None = None
        self.alive = True
        self.isolation: Isolation | None = None

    @classmethod
    async def start(cls, backend: Backend) -> Runner:
        """Start a runner and wait until it is warm.

        Raises:
            SandboxError: If it can't be started.
        """
        loop = asyncio.get_running_loop()
        runner = cls(await _started(backend))
        handle = runner._handle
        try:
            _streams.add(handle.stream)
            await loop.create_connection(lambda: runner, sock=handle.stream)
            runner._send(wire.Kind.CONFIG, 0, json.dumps(handle.config).encode())
            runner.isolation = await asyncio.wait_for(runner._ready, _START_SECONDS)
        except BaseException as error:
            runner.close()
            if isinstance(error, asyncio.TimeoutError):
                raise SandboxError(f"the runner was not ready after {_START_SECONDS:.0f} s") from error
            raise
        return runner

    async def execute(self, job: Job, take: Take) -> Ending:
        """Run a job in a fresh process; ``take`` gets each frame and may return an answer to it.

        Where the answer is an awaitable, it is sent once it is there; what it raises ends the job.
        A ``take`` that raises :class:`Forfeited` has the process killed.

        Raises:
            LostError: If the runner died or could not start the process.
        """
        if not self.alive:
            raise LostError("the runner is gone")
        run, self._next_run = self._next_run, self._next_run % 0xFFFFFFFF + 1
        done: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._active[run] = _Active(take, done, job.cpu_seconds * (job.answers + 1))
        self._keep_watch()
        self._send(wire.Kind.RUN, run, _run_payload(job, self._mentions_package(job)))
        try:
            return await done
        except asyncio.CancelledError:
            if self.alive:
                self._send(wire.Kind.CANCEL, run)
            raise
        finally:
            active = self._active.pop(run)
            if active.reply is not None:
                active.reply.cancel()

    def close(self) -> None:
        """End the runner and all it runs."""
        self.alive = False
        if self._transport is not None:
            self._transport.abort()
        self._handle.kill()

    # ── asyncio.Protocol ──────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand frames to the jobs they belong to."""
        self._heard = asyncio.get_running_loop().time()
        try:
            for kind, run, payload in self._frames.feed(self._handle.unwrap(data)):
                self._dispatch(kind, run, payload)
        except (wire.FrameError, ValueError, KeyError) as error:
            self._lose(f"the runner sent what is no frame: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail every job under way: the runner is gone."""
        self._lose("the runner died")

    def _dispatch(self, kind: int, run: int, payload: bytes) -> None:
        if kind == wire.Kind.READY and not self._ready.done():
            report = json.loads(payload)
            report["layers"].update(self._handle.layers)
            self._ready.set_result(Isolation.from_report(report))
        elif kind == wire.Kind.FAILED:
            self._lose(payload.decode("utf-8", "replace"))
        elif run in self._active:
            active = self._active[run]
            if kind == wire.Kind.ANSWER:
                self._pass_on(active, run, payload)
            elif kind == wire.Kind.END and not active.done.done():
                self._end(active, json.loads(payload))

    def _keep_watch(self) -> None:
        """See to it that a runner which has frozen is found out while somebody waits for it."""
        if self._watch is None:
            loop = asyncio.get_running_loop()
            self._heard = loop.time()
            self._watch = loop.call_later(_ASK_AFTER, self._look)

    def _look(self) -> None:
        self._watch = None
        if not self.alive or not self._active:
            return
        loop = asyncio.get_running_loop()
        silent = loop.time() - self._heard
        if silent > _GIVE_UP_AFTER:
            self._lose(f"the runner has not answered for {silent:.0f} s")
            return
        if silent > _ASK_AFTER / 2:
            self._send(wire.Kind.PING, 0)
        self._watch = loop.call_later(_ASK_AFTER, self._look)

    def _pass_on(self, active: _Active, run: int, payload: bytes) -> None:
        try:
            reply = active.take(payload)
        except Forfeited:
            self._send(wire.Kind.CANCEL, run)
            return
        if isinstance(reply, bytes):
            self._send(wire.Kind.DATA, run, reply)
        elif reply is not None:
            active.reply = asyncio.ensure_future(self._reply_later(active, run, reply))

    async def _reply_later(self, active: _Active, run: int, reply: Awaitable[bytes | Next]) -> None:
        try:
            data = await reply
        except Exception as error:
            if not active.done.done():
                active.done.set_exception(error)
            self._send(wire.Kind.CANCEL, run)
            return
        if isinstance(data, Next):
            self._send(wire.Kind.NEXT, run, data.data)
        else:
            self._send(wire.Kind.DATA, run, data)

    def _end(self, active: _Active, end: dict[str, Any]) -> None:
        if not end["ready"]:
            problem = end["problem"] or end["reason"] or f"wait status {end['status']}"
            active.done.set_exception(LostError(f"the process could not be set up: {problem}"))
            return
        cpu_exhausted = end["cpu"] >= active.cpu_total
        active.done.set_result(Ending(end["reason"], end["status"], end["cpu"], end["rss_kb"], cpu_exhausted))

    def _lose(self, why: str) -> None:
        if not self.alive and not self._active:
            return
        self.alive = False
        detail = self._handle.diagnosis()
        error = LostError(f"{why}: {detail}" if detail else why)
        if not self._ready.done():
            self._ready.set_exception(SandboxError(str(error)))
            self._ready.exception()  # seen, if nobody waits any more
        for active in self._active.values():
            if not active.done.done():
                active.done.set_exception(error)
        if self._transport is not None:
            self._transport.abort()
        self._handle.kill()

    def _mentions_package(self, job: Job) -> bool:
        """Whether a process with packages imported pays; they can be imported in any."""
        return any(name.encode() in job.stages[0][1] for name in self._handle.config["package_modules"])

    def _send(self, kind: int, run: int, payload: bytes = b"") -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._writes.frame(kind, run, payload))


async def _started(backend: Backend) -> Handle:
    """Start a runner on a thread; one that nobody waits for any more is ended there."""
    started: concurrent.futures.Future[Handle] = concurrent.futures.Future()

    def start() -> None:
        try:
            started.set_result(backend.start())
        except BaseException as error:
            started.set_exception(error)

    try:
        await asyncio.get_running_loop().run_in_executor(None, start)
    except asyncio.CancelledError:
        started.add_done_callback(_end)
        raise
    return started.result()


def _end(unwanted: concurrent.futures.Future[Handle]) -> None:
    if unwanted.exception() is None:
        unwanted.result().kill()


_streams: weakref.WeakSet[socket.socket] = weakref.WeakSet()


def _let_go_after_fork() -> None:
    """In a forked child: close our copies of the streams, else they'd outlive the parent."""
    for stream in list(_streams):
        stream.close()


os.register_at_fork(after_in_child=_let_go_after_fork)


def _run_payload(job: Job, packages: bool) -> bytes:
    header = {
        "cpu": job.cpu_seconds,
        "wall": job.wall_seconds,
        "memory_mb": job.memory_mb,
        "tmp_mb": job.tmp_mb,
        "threads": job.threads,
        "packages": packages,
        "frame_cap": job.frame_bytes,
        "answers": job.answers,
        "queries": job.queries,
        "query_bytes": job.query_bytes,
        "interactive": job.interactive,
        "stages": [[after, len(data)] for after, data in job.stages],
    }
    encoded = json.dumps(header).encode()
    return b"".join([struct.pack("<I", len(encoded)), encoded, *(data for _, data in job.stages)])
