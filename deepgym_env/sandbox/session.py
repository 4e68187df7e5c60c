"""Sessions: a workspace in a sandbox that lives from call to call.

- :class:`Command`: what came of a command; :class:`Entry`: one line of a listing.
- :class:`Session`: the workspace: commands, files, snapshots.
- :data:`Answering`: what answers the processes of a command, where they may ask.
- :class:`Host`: what it belongs to, see :class:`~deepgym_env.sandbox.session_host.SessionHost`.
- :func:`operate`: one operation of a runner.

Between two calls a session has no process: a command and all it started are over when its call
returns. So a snapshot holds everything there is, and files are never read while they change.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from deepgym_env.errors import ClosedError, RefusedError, SandboxError
from deepgym_env.sandbox.execution import Ending, Job
from deepgym_env.sandbox.isolation import Isolation
from deepgym_env.sandbox.process import LostError, Runner
from deepgym_env.sandbox.runner.request import pack, unpack
from deepgym_env.sandbox.runner.wire import ChildKind
from deepgym_env.task import File, SessionLimits

__all__ = ["NAMES", "SLACK_SECONDS", "Answering", "Command", "Entry", "Host", "Session", "Snapshot", "operate"]

Answering = Callable[[int, bytes], Awaitable[bytes]]
"""Answers what a command's processes ask: given the connection's number and a question, returns the reply."""

_READ_CAP = 1 << 24
_LOAD_FACTOR = 20.0
SLACK_SECONDS = 120.0  # for what a runner does besides the command itself
NAMES = itertools.count()
_SERVICE_URL = "http://127.0.0.1:8000"
_STATE_CAP = 1 << 16
_QUESTIONS, _QUESTION_BYTES = 1 << 31, 1 << 40  # its own CPU time bounds what a command may ask
_CONNECTION = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a listing.

    Attributes:
        path: Relative to the workspace.
        kind: ``file``, ``folder``, ``link`` or ``other``.
        size: Of a file, bytes.
    """

    path: str
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class Command:
    """What came of a command.

    Attributes:
        code: Exit code; 128 + n after signal n, as shells have it.
        stdout: What it wrote, both streams in order unless they were asked for apart; where it is
            cut, the middle is left out and a line says so.
        stderr: Standard error, where it was asked for apart.
        reason: Why it was ended: ``cpu``, ``wall``, ``memory`` or ``output``; None if it ended by itself.
        truncated: Whether output was cut.
        written: Bytes it wrote, to each stream that was kept apart.
        signal: Number of the signal that ended it; None if it exited.
        cpu_seconds: CPU time of all its processes.
    """

    code: int
    stdout: str
    stderr: str = ""
    reason: str | None = None
    truncated: bool = False
    written: tuple[int, ...] = ()
    signal: int | None = None
    cpu_seconds: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A session as it was: files and shell state. It lives as long as the runner that holds it."""

    name: str
    runner: Runner = field(repr=False)
    cwd: str
    exports: str
    limits: SessionLimits
    service: str | None
    ttl: float | None

    @property
    def alive(self) -> bool:
        """Whether the runner that holds it is still there."""
        return self.runner.alive


@dataclass(slots=True)
class _Shell:
    cwd: str = "/workspace"
    exports: str = ""


class Host(Protocol):
    """What a session belongs to."""

    def adopt(self, runner: Runner, limits: SessionLimits, service: str | None, ttl: float | None) -> Session:
        """Note a new session of a runner; its owner has it made."""

    def forget(self, session: Session) -> None:
        """Note that a session is over."""

    def slot(self, runner: Runner, waits: bool = False) -> asyncio.Semaphore:
        """Return what bounds the calls under way on a runner; those that wait for other calls are bounded apart."""


class Session:
    """A workspace in a sandbox; made by :meth:`SessionHost.open`.

    Calls on one session run one after the other. A call that raises
    :class:`~deepgym_env.errors.RefusedError` has changed nothing; after any other
    :class:`~deepgym_env.errors.SandboxError` the session is lost.
    """

    def __init__(
        self,
        host: Host,
        runner: Runner,
        name: str,
        limits: SessionLimits,
        service: str | None,
        ttl: float | None,
    ) -> None:
        """Wrap a session a runner holds."""
        self.limits = limits
        self.ttl = ttl
        self.last_used = time.monotonic()
        self._host = host
        self.runner = runner
        self.name = name
        self.service = service
        self._shell = _Shell()
        self._lock = asyncio.Lock()
        self._closed: str | None = None

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
        answering: Answering | None = None,
    ) -> Command:
        """Run a command and wait until it and all it started are over.

        Args:
            command: Text for a shell, or a program and its arguments.
            stdin: What it can read from standard input.
            cwd: Where to run it; by default where the last shell command ended.
            env: Variables on top of the session's.
            merge: Give both streams in one, in the order written.
            shell_state: Begin with the exported variables and the directory of the last shell
                command, and (for a shell command) leave them to the next one.
            limits: Other limits than the session's.
            answering: Answers what its processes ask on their link (:mod:`~deepgym_env.sandbox.runner.link`);
                the time it takes counts against no limit. None: there is no link.

        Raises:
            ClosedError: If the session is closed or has expired.
            SandboxError: If the sandbox was lost.
        """
        limits = limits or self.limits
        shell = self._shell if shell_state else _Shell()
        is_text = isinstance(command, str)
        if not is_text and not command:
            raise RefusedError("a command must be text or a program with its arguments, got nothing")
        header = {
            "op": "exec",
            "session": self.name,
            "command": command if is_text else None,
            "argv": None if is_text else list(command),
            "cwd": cwd or shell.cwd,
            "exports": shell.exports,
            "env": dict(env or {}) | ({"SERVICE_URL": _SERVICE_URL} if self.service else {}),
            "merge": merge,
            "service": self.service,
            "link": answering is not None,
            "cpu": limits.cpu_seconds,
            "wall": limits.wall_seconds,
            "memory_mb": limits.memory_mb,
            "address_space_mb": limits.address_space_mb or limits.memory_mb,
            "deep_stack": limits.deep_stack,
            "disk_mb": limits.disk_mb,
            "processes": limits.processes,
            "output_bytes": limits.output_bytes,
        }
        for text in _texts(header):
            _insist_text(text, "a command")
        # CPU time buys wall time in there; only what no command can reach ends the operation itself.
        wall = limits.wall_seconds + _LOAD_FACTOR * limits.cpu_seconds + SLACK_SECONDS
        answer, data = await self._ask(header, stdin, cpu=limits.cpu_seconds, wall=wall, answering=answering)
        return self._read_outcome(answer, data, limits, keep=shell_state)

    def _read_outcome(self, answer: dict[str, Any], data: bytes, limits: SessionLimits, keep: bool) -> Command:
        texts, at, cut = [], 0, False
        for total, head, tail in answer["streams"]:
            texts.append(_joined(data[at : at + head], data[at + head : at + head + tail], total))
            cut = cut or total > head + tail
            at += head + tail
        if keep and answer["state"]:
            self._keep_state(data[at:])
        code = answer["code"] if answer["signal"] is None else 128 + answer["signal"]
        return Command(
            code=code,
            stdout=texts[0],
            stderr=texts[1] if texts[1:] else "",
            reason=answer["reason"],
            truncated=cut,
            written=tuple(total for total, _, _ in answer["streams"]),
            signal=answer["signal"],
            cpu_seconds=answer["cpu"],
        )

    def _keep_state(self, state: bytes) -> None:
        """Take over directory and exported variables; what is too long or garbled changes nothing."""
        cwd, found, exports = state.partition(b"\0")
        if found and len(state) <= _STATE_CAP and b"\0" not in exports:
            self._shell = _Shell(cwd.decode("utf-8", "surrogateescape"), exports.decode("utf-8", "surrogateescape"))

    async def read(self, path: str, *, limit: int = _READ_CAP) -> bytes:
        """Return a file's contents.

        Raises:
            RefusedError: If there is no such file in the workspace, or it is larger than ``limit``.
        """
        return (await self._ask({"op": "read", "session": self.name, "path": _path(path), "limit": limit}))[1]

    async def write(self, path: str, data: bytes | str, *, executable: bool = False) -> None:
        """Replace a file, or make it, with the folders it lies in; whole or not at all.

        Raises:
            RefusedError: If it can't be written.
        """
        mode = 0o755 if executable else 0o644
        await self._ask(self._writing(path, mode), _encoded(data))

    async def edit(self, path: str, old: str, new: str) -> None:
        """Replace the one place where ``old`` stands in a text file by ``new``.

        Raises:
            RefusedError: If it stands nowhere, or more than once; the message says what is there.
        """
        reading = {"op": "read", "session": self.name, "path": _path(path), "limit": _READ_CAP}
        async with self._turn():
            text = (await self._perform(reading))[1].decode("utf-8", "surrogateescape")
            await self._perform(self._writing(path, 0o644), _encoded(_replaced(path, text, old, new)))

    async def list(self, path: str = ".", *, depth: int = 3, limit: int = 500) -> tuple[list[Entry], bool]:
        """Return what lies below a folder, sorted, and whether that is all of it.

        Raises:
            RefusedError: If there is no such folder.
        """
        header = {"op": "list", "session": self.name, "path": _path(path), "depth": depth, "limit": limit}
        answer, _ = await self._ask(header)
        return [Entry(*entry) for entry in answer["entries"]], answer["complete"]

    async def service_state(self) -> Any:
        """Return what the session's service has kept."""
        return json.loads((await self._ask({"op": "service_state", "session": self.name}))[1])

    async def snapshot(self) -> Snapshot:
        """Keep the session as it is now.

        Raises:
            RefusedError: If the workspace can't be copied (nested too deep, store full).
        """
        name = f"p{next(NAMES)}"
        await self._ask({"op": "save", "session": self.name, "snapshot": name})
        shell = self._shell
        return Snapshot(name, self.runner, shell.cwd, shell.exports, self.limits, self.service, self.ttl)

    async def restore(self, snapshot: Snapshot) -> None:
        """Make the session as it was when the snapshot was taken, of this session or of another."""
        self._insist_same_runner(snapshot)
        await self._ask({**self._creation("restore"), "origin": ["snapshot", snapshot.name]})
        self._shell = _Shell(snapshot.cwd, snapshot.exports)

    async def drop(self, snapshot: Snapshot) -> None:
        """Forget a snapshot."""
        self._insist_same_runner(snapshot)
        await self._ask({"op": "drop", "session": self.name, "snapshot": snapshot.name})

    async def fork(self) -> Session:
        """Return another session that begins as this one is now."""
        async with self._lock:
            other = self._host.adopt(self.runner, self.limits, self.service, self.ttl)
            await other.begin(["session", self.name], self._shell.cwd, self._shell.exports)
        return other

    async def close(self) -> None:
        """End the session. Closing twice does no harm."""
        if self._closed is None:
            self._closed = "the session is closed"
            self._host.forget(self)
            with contextlib.suppress(SandboxError):
                await self._perform({"op": "remove", "session": self.name})

    async def __aenter__(self) -> Session:
        """Return the session itself."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close it."""
        await self.close()

    # ── for the host ──────────────────────────────────────────────────────────────────────

    @property
    def isolation(self) -> Isolation:
        """What isolates its commands."""
        if self.runner.isolation is None:
            raise SandboxError("the runner reported no isolation")
        return self.runner.isolation

    @property
    def busy(self) -> bool:
        """Whether a call is under way."""
        return self._lock.locked()

    async def create(self, files: Sequence[File], template: str | None = None) -> None:
        """Make the session on its runner."""
        listed = [[file.path, 0o755 if file.executable else 0o644, len(file.data)] for file in files]
        header = {**self._creation("create"), "files": listed}
        if template is not None:
            header["origin"] = ["snapshot", template]
        await self._ask(header, b"".join(file.data for file in files))

    async def begin(self, origin: Sequence[str], cwd: str, exports: str) -> None:
        """Make the session on its runner as a copy."""
        try:
            await self._ask({**self._creation("create"), "origin": list(origin)})
        except BaseException:
            await self.close()
            raise
        self._shell = _Shell(cwd, exports)

    def end(self, why: str) -> None:
        """Refuse every further call; what the runner holds of the session is the host's to remove."""
        self._closed = why

    # ── calls ─────────────────────────────────────────────────────────────────────────────

    def _creation(self, op: str) -> dict[str, Any]:
        limits = self.limits
        return {"op": op, "session": self.name, "disk_mb": limits.disk_mb, "files_max": limits.files}

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether a snapshot is on this session's runner, so that it can be restored here."""
        return snapshot.runner is self.runner

    def _writing(self, path: str, mode: int) -> dict[str, Any]:
        return {"op": "write", "session": self.name, "path": _path(path), "mode": mode}

    def _insist_same_runner(self, snapshot: Snapshot) -> None:
        if not self.holds(snapshot):
            raise RefusedError("the snapshot is of a session on another runner")

    async def _ask(
        self,
        header: dict[str, Any],
        data: bytes = b"",
        *,
        cpu: float = 60.0,
        wall: float = SLACK_SECONDS,
        answering: Answering | None = None,
    ) -> tuple[dict[str, Any], bytes]:
        async with self._turn():
            return await self._perform(header, data, cpu=cpu, wall=wall, answering=answering)

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Have the session to oneself."""
        async with self._lock:
            if self._closed is not None:
                raise ClosedError(self._closed)
            self.last_used = time.monotonic()
            try:
                yield
            finally:
                self.last_used = time.monotonic()

    async def _perform(
        self,
        header: dict[str, Any],
        data: bytes = b"",
        *,
        cpu: float = 60.0,
        wall: float = SLACK_SECONDS,
        answering: Answering | None = None,
    ) -> tuple[dict[str, Any], bytes]:
        async with self._host.slot(self.runner, waits=answering is not None):
            answer, data = await operate(self.runner, pack(header, data), cpu, wall, answering)
        if "refused" in answer:
            raise RefusedError(answer["refused"])
        if "failed" in answer:
            raise SandboxError(f"{header['op']} failed in the sandbox: {answer['failed']}")
        return answer, data


async def operate(
    runner: Runner, request: bytes, cpu: float, wall: float, answering: Answering | None = None
) -> tuple[dict[str, Any], bytes]:
    """Have one operation done in a process of its own; return its answer."""
    answers: list[bytes] = []
    job = Job(
        stages=((0, request),),
        answers=1,
        cpu_seconds=cpu + 60.0,
        wall_seconds=wall,
        memory_mb=1 << 12,
        tmp_mb=1,
        threads=1,
        frame_bytes=1 << 28,
        queries=_QUESTIONS if answering is not None else 0,
        query_bytes=_QUESTION_BYTES,
    )

    def take(payload: bytes) -> Awaitable[bytes] | None:
        if payload[:1] == ChildKind.QUERY and answering is not None:
            (connection,) = _CONNECTION.unpack_from(payload, 1)
            return answering(connection, payload[1 + _CONNECTION.size :])
        if payload[:1] == ChildKind.ANSWER:
            answers.append(payload[1:])
        return None

    ending: Ending = await runner.execute(job, take)
    if not answers:
        raise LostError(f"the sandbox gave no answer ({ending.reason or ending.status})")
    return unpack(answers[0])


def _path(path: str) -> str:
    _insist_text(path, "a path")
    return path


def _insist_text(text: object, what: str) -> None:
    """Refuse what is no text, or text that no system call takes."""
    if not isinstance(text, str):
        raise RefusedError(f"{what} must be text, got {text!r}")
    if "\0" in text:
        raise RefusedError(f"{what} can't hold a NUL character: {text[:80]!r}")
    _encoded(text)


def _encoded(data: bytes | str) -> bytes:
    try:
        return data.encode("utf-8", "surrogateescape") if isinstance(data, str) else bytes(data)
    except UnicodeEncodeError as error:
        raise RefusedError(f"the text holds half a character: {error}") from error


def _texts(header: Mapping[str, Any]) -> list[Any]:
    texts = ["" if header["command"] is None else header["command"], header["cwd"], *(header["argv"] or ())]
    return texts + [text for pair in header["env"].items() for text in pair]


def _joined(head: bytes, tail: bytes, total: int) -> str:
    """Return head and tail as text, and between them what was left out."""
    left_out = total - len(head) - len(tail)
    if not left_out:
        return (head + tail).decode("utf-8", "replace")
    note = f"\n[... {left_out} bytes left out ...]\n"
    return head.decode("utf-8", "replace") + note + tail.decode("utf-8", "replace")


def _replaced(path: str, text: str, old: str, new: str) -> str:
    if not old:
        raise RefusedError("the text to replace is empty; to make a file, use write_file")
    count = text.count(old)
    if count == 1:
        return text.replace(old, new)
    if count > 1:
        raise RefusedError(f"the text stands {count} times in {path}; give more of what is around the one you mean")
    raise RefusedError(f"the text does not stand in {path}{_nearest(text, old)}")


def _nearest(text: str, old: str) -> str:
    """Say where something like the first line of ``old`` stands."""
    first = next((line.strip() for line in old.splitlines() if line.strip()), "")
    for number, line in enumerate(text.splitlines(), 1):
        if first and line.strip() == first:
            return f"; line {number} reads alike but for blanks, or the lines after it differ: {line[:200]!r}"
    return ""
