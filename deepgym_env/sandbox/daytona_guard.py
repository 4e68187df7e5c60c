"""The process that talks to Daytona for an engine; it deletes every sandbox once the engine is gone.

A process of its own, because it survives the engine however that ends, and because the SDK is large. It is
asked for sandboxes over a socket: one message each, JSON and two descriptors, a stream and a file. On the
stream it says in one line of JSON what it has started, and from then on passes the runner's bytes. When
the stream's other end is closed, it deletes the sandbox. What goes wrong it writes to the file.

Bytes go over a terminal in the sandbox (``create_pty_session``, a WebSocket), the SDK's one path both ways.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import json
import os
import socket
import sys
import uuid
from pathlib import Path
from typing import Any

from deepgym_env.sandbox import owner
from deepgym_env.sandbox.terminal import DATA, WORDS, Link, command_line

__all__ = ["MARK", "main"]

MARK = {"deepgym": "runner"}  # a label to look for; the SDK finds no label by its name alone
_MAX_REQUEST = 1 << 16
_BOOT_SECONDS = 30.0
_CALL_SECONDS = 60.0
_ATTEMPTS, _PAUSE = 4, 0.5  # of deleting
_END_SECONDS = 90.0


@functools.cache
def _sdk() -> Any:
    return importlib.import_module("daytona")


class _Failure(Exception):
    """No sandbox, or no longer: what to tell the engine."""


def main(control: int) -> None:
    """Serve requests from the descriptor until its other end is closed; in a process nobody waits for."""
    os.setsid()
    if os.fork():
        os._exit(0)
    with socket.socket(fileno=control) as requests:
        asyncio.run(_Guard(requests).run())


def _tell(words: int, error: Exception) -> None:
    os.write(words, (str(error) if isinstance(error, _Failure) else f"{type(error).__name__}: {error}").encode())


class _Guard:
    """Serves one engine's requests, all with the same account."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._client: Any = None
        self._serving: dict[asyncio.Task[None], socket.socket] = {}
        self._reaper: asyncio.Task[None] | None = None

    async def run(self) -> None:
        self._requests.setblocking(False)
        readable = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._requests, readable.set)
        while True:
            await readable.wait()
            readable.clear()
            try:
                data, descriptors, _, _ = socket.recv_fds(self._requests, _MAX_REQUEST, 2)
            except BlockingIOError:
                continue
            if not data:
                break
            stream = socket.socket(fileno=descriptors[0])
            stream.setblocking(False)
            serving = asyncio.ensure_future(self._serve(json.loads(data), stream, descriptors[1]))
            self._serving[serving] = stream
            serving.add_done_callback(self._serving.pop)
        asyncio.get_running_loop().remove_reader(self._requests)
        for stream in self._serving.values():
            with contextlib.suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)
        if self._serving:
            await asyncio.wait(list(self._serving), timeout=_END_SECONDS)
        if self._reaper is not None:
            self._reaper.cancel()
        if self._client is not None:
            await self._client.close()

    async def _serve(self, request: dict[str, Any], stream: socket.socket, words: int) -> None:
        """Have a sandbox for as long as the stream is open."""
        with contextlib.ExitStack() as ends:
            ends.callback(os.close, words)
            ends.callback(stream.close)
            try:
                async with _Sandbox(self._connected(request), request) as sandbox:
                    try:
                        await sandbox.connect(stream)
                    except Exception as error:
                        _tell(words, error)
                    stream.close()  # the engine need not wait until the sandbox is deleted
            except Exception as error:
                _tell(words, error)

    def _connected(self, request: dict[str, Any]) -> Any:
        if self._client is None:
            try:
                self._client = _sdk().AsyncDaytona(_sdk().DaytonaConfig(**request["account"]))
            except _sdk().DaytonaError as error:
                raise _Failure(_explain(error)) from error
            self._reaper = asyncio.ensure_future(_reap(self._client))
        return self._client


class _Sandbox:
    """A sandbox and the terminal of the runner in it."""

    def __init__(self, client: Any, request: dict[str, Any]) -> None:
        self._client = client
        self._request = request
        self._sandbox: Any = None
        self._terminal: Any = None
        self._link: Link | None = None  # until the relay runs, the terminal prints text
        self._text = b""
        self._printed = asyncio.Event()
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue()  # holds no more than the link lets under way
        self._acknowledged = asyncio.Event()
        self._ended = asyncio.Event()
        self._last_words = ""

    async def __aenter__(self) -> _Sandbox:
        name = f"deepgym-{uuid.uuid4().hex}"
        try:
            parameters = _parameters(self._request, name)
            self._sandbox = await self._client.create(parameters, timeout=self._request["seconds"])
        except _sdk().DaytonaError as error:
            if error.status_code is None or error.status_code >= 500:
                await self._delete_unanswered(name)
            raise _Failure(_explain(error)) from error
        return self

    async def _delete_unanswered(self, name: str) -> None:
        """Delete a sandbox that was made although we were not told so, or that did not start in time."""
        with contextlib.suppress(_sdk().DaytonaError):
            self._sandbox = await self._client.get(name, request_timeout=_CALL_SECONDS)
            await self._delete()

    async def __aexit__(self, *_: object) -> None:
        if self._terminal is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._terminal.disconnect(), 5.0)
        await self._delete()

    async def _delete(self) -> None:
        for attempt in range(_ATTEMPTS):
            try:
                await self._client.delete(self._sandbox, timeout=_CALL_SECONDS)
                return
            except _sdk().DaytonaNotFoundError:
                return
            except _sdk().DaytonaError:
                await asyncio.sleep(_PAUSE * 2**attempt)

    async def connect(self, stream: socket.socket) -> None:
        """Start the runner, and pass bytes on until either end is gone."""
        try:
            await asyncio.wait_for(self._boot(), _BOOT_SECONDS)
        except asyncio.TimeoutError as error:
            raise _Failure(f"the runner did not start in the sandbox: {_tail(self._text)}") from error
        except _sdk().DaytonaError as error:
            raise _Failure(_explain(error)) from error
        loop = asyncio.get_running_loop()
        hello = {"id": self._sandbox.id, "memory_mb": int(self._sandbox.memory) << 10}
        with contextlib.suppress(OSError):
            await loop.sock_sendall(stream, json.dumps(hello).encode() + b"\n")
        tasks = [self._inwards(stream), self._outwards(stream), self._renew(), self._over()]
        running = [asyncio.ensure_future(task) for task in tasks]
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        if running[3].done():
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._pieces.join(), 1.0)
        closed = running[0].done() and not running[0].exception()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if not closed:
            raise _Failure(self._ending())

    async def _over(self) -> None:
        """Wait until the runner or the terminal has ended."""
        ends = [asyncio.ensure_future(end) for end in (self._terminal.wait(), self._ended.wait())]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()

    def _ending(self) -> str:
        if self._last_words:
            return self._last_words
        code = self._terminal.exit_code
        why = self._terminal.error or ("no reason given" if code is None else f"exit code {code}")
        return f"the terminal of sandbox {self._sandbox.id} was closed ({why})"

    async def _boot(self) -> None:
        ready = uuid.uuid4().hex
        source = (Path(__file__).parent / "terminal.py").read_text()
        call = f"relay({self._request['command']!r}, {self._request['environment']!r}, {ready!r})"
        program = f"{source}\n\n{call}\n".encode()
        self._terminal = await self._sandbox.process.create_pty_session(f"deepgym-{ready[:8]}", self._take)
        await self._terminal.send_input(command_line(self._request["python"], program, ready))
        await self._until(ready)
        for start in range(0, len(program), 1 << 14):
            await self._terminal.send_input(program[start : start + (1 << 14)])
        await self._until(ready)
        self._link = Link()

    async def _until(self, ready: str) -> None:
        """Wait until the terminal has printed the word."""
        while ready.encode() not in self._text:
            if not self._terminal.is_connected():
                raise _Failure(f"the sandbox's shell ended: {_tail(self._text)}")
            self._printed.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._printed.wait(), 1.0)
        self._text = b""

    def _take(self, data: bytes) -> None:
        """Take what the terminal prints."""
        if self._link is None:
            self._text = (self._text + data)[-4096:]
            self._printed.set()
            return
        for kind, payload in self._link.feed(data):
            if kind == DATA:
                self._pieces.put_nowait(payload)
            elif kind == WORDS:
                lines = payload.decode("utf-8", "replace").strip().splitlines()
                self._last_words = lines[-1] if lines else "the runner ended"
                self._ended.set()
        self._acknowledged.set()

    async def _inwards(self, stream: socket.socket) -> None:
        """Pass on what the engine sends; ends when it has closed the stream."""
        assert self._link is not None
        loop = asyncio.get_running_loop()
        while True:
            while not self._link.room():
                self._acknowledged.clear()
                await self._acknowledged.wait()
            data = await loop.sock_recv(stream, self._link.room())
            if not data:
                return
            await self._terminal.send_input(self._link.pack(data))

    async def _outwards(self, stream: socket.socket) -> None:
        assert self._link is not None
        loop = asyncio.get_running_loop()
        while True:
            piece = await self._pieces.get()
            await loop.sock_sendall(stream, piece)
            self._pieces.task_done()
            acknowledgement = self._link.acknowledge(piece)
            if acknowledgement:
                await self._terminal.send_input(acknowledgement)

    async def _renew(self) -> None:
        """Tell the service now and then that the sandbox is in use; else it stops, and so deletes it."""
        while True:
            await asyncio.sleep(self._request["renew_seconds"])
            with contextlib.suppress(Exception):
                await self._sandbox.refresh_activity(request_timeout=_CALL_SECONDS)
                labels = {**self._sandbox.labels, **owner.labels()}
                await self._sandbox.set_labels(labels, request_timeout=_CALL_SECONDS)


def _parameters(request: dict[str, Any], name: str) -> Any:
    """Return what to ask the SDK for."""
    common = {
        "name": name,
        "labels": {**request["labels"], **MARK, **owner.labels()},
        "os_user": request["os_user"],
        "auto_stop_interval": request["lease_minutes"],
        "ephemeral": True,
        "network_block_all": request["network_block_all"],
    }
    if request["image"] is None:
        return _sdk().CreateSandboxFromSnapshotParams(snapshot=request["snapshot"], **common)
    return _sdk().CreateSandboxFromImageParams(
        image=request["image"], resources=_sdk().Resources(**request["resources"]), **common
    )


def _explain(error: Any) -> str:
    """Return what an error of the SDK means, and what to do."""
    if isinstance(error, _sdk().DaytonaAuthenticationError) and error.status_code is None:
        return f"{error} Keys are made at https://app.daytona.io/dashboard/keys"
    advice = {
        401: "check DAYTONA_API_KEY, and that it belongs to DAYTONA_API_URL",
        403: "the key lacks a permission, or the organisation's quota is used up: use fewer workers",
        404: "check DAYTONA_API_URL, the snapshot and the target",
        429: "too many requests or sandboxes: use fewer workers",
    }.get(error.status_code, "")
    if isinstance(error, _sdk().DaytonaTimeoutError):
        advice = "give it more time with DaytonaBackend(start_seconds=...)"
    elif isinstance(error, _sdk().DaytonaConnectionError):
        advice = "check DAYTONA_API_URL and the network"
    elif error.status_code is not None and error.status_code >= 500:
        advice = "the service failed; try again later"
    status = f" (HTTP {error.status_code})" if error.status_code else ""
    return f"Daytona: {error}{status}{f'; {advice}' if advice else ''}"


async def _reap(client: Any) -> None:
    """Delete sandboxes whose owner is gone; what can't be had now is left to the next program."""
    with contextlib.suppress(_sdk().DaytonaError):
        async for sandbox in client.list(_sdk().ListSandboxesQuery(labels=MARK), request_timeout=_CALL_SECONDS):
            if owner.is_gone(sandbox.labels):
                with contextlib.suppress(_sdk().DaytonaError):
                    await client.delete(sandbox, timeout=_CALL_SECONDS)


def _tail(text: bytes) -> str:
    """Return the end of what a terminal printed, without what is no text."""
    plain = "".join(char if char.isprintable() else " " for char in text.decode("utf-8", "replace"))
    return repr(" ".join(plain.split())[-300:])


if __name__ == "__main__":
    main(int(sys.argv[1]))
