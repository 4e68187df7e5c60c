"""A local server that speaks as much of Daytona's API as its SDK uses for us, and runs what it is asked to.

A "sandbox" is a folder and the processes started in it, on this machine; a terminal is a real one with a real
shell. What the daemon in a Daytona sandbox does with terminals is kept: it reads up to 32 KiB at a time, drops
a client that has 256 messages waiting, takes no message above 64 KiB, says when the shell has ended. There are
no events (Socket.IO): the SDK then asks for a sandbox's state again and again.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import queue
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

KEY = "dtn_test"
READ = 32 << 10
WAITING = 256
LONGEST = 64 << 10


@dataclass
class Sandbox:
    """What the service knows of a sandbox."""

    asked: dict[str, Any]
    folder: Path
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    born: float = field(default_factory=time.monotonic)
    shells: list[subprocess.Popen[bytes]] = field(default_factory=list)
    renewals: int = 0

    def described(self, base: str, *, stuck: bool = False) -> dict[str, Any]:
        asked = self.asked
        return {
            "id": self.id,
            "organizationId": "org",
            "name": asked.get("name", self.id),
            "snapshot": asked.get("snapshot"),
            "user": asked.get("user", "daytona"),
            "env": asked.get("env", {}),
            "labels": asked.get("labels", {}),
            "public": False,
            "networkBlockAll": asked.get("networkBlockAll", False),
            "kvm": False,
            "target": asked.get("target", "us"),
            "cpu": asked.get("cpu", 1),
            "gpu": 0,
            "memory": asked.get("memory", 1),
            "disk": asked.get("disk", 3),
            "state": "started" if time.monotonic() - self.born > 0.05 and not stuck else "creating",
            "autoStopInterval": asked.get("autoStopInterval", 15),
            "autoDeleteInterval": asked.get("autoDeleteInterval", -1),
            "toolboxProxyUrl": f"{base}/toolbox",
        }


class DaytonaServer:
    """The service; ``url`` is what DAYTONA_API_URL is to be."""

    def __init__(self) -> None:
        self.sandboxes: dict[str, Sandbox] = {}
        self.requests: list[str] = []  # method and path, ids replaced
        self.answer: Callable[[str], int | None] = lambda request: None  # a status to answer with instead
        self.stalled: set[str] = set()  # requests that are never answered
        self.mute: set[str] = set()  # requests that are done and then never answered
        self.stuck = False  # sandboxes never finish starting
        self.delay = 0.0  # seconds each message to a client takes
        self.dropped = 0  # clients that were too slow
        self.created: list[dict[str, Any]] = []
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._base = ""

    @property
    def url(self) -> str:
        return f"{self._base}/api"

    def __enter__(self) -> DaytonaServer:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        for sandbox in list(self.sandboxes.values()):
            self.destroy(sandbox)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def add(self, labels: dict[str, str]) -> str:
        """Have a sandbox somebody else has made; return its id."""
        sandbox = Sandbox({"labels": labels}, Path(tempfile.mkdtemp(prefix="daytona-")))
        self.sandboxes[sandbox.id] = sandbox
        return sandbox.id

    def destroy(self, sandbox: Sandbox) -> None:
        """Remove a sandbox as the service does: with all it runs."""
        if self.sandboxes.pop(sandbox.id, None) is None:
            return
        for shell in sandbox.shells:
            kill_tree(shell.pid)
            shell.kill()
            shell.wait(10)
        shutil.rmtree(sandbox.folder, ignore_errors=True)

    # ── HTTP ──────────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._stop())
        self._loop.close()

    async def _listen(self) -> None:
        app = web.Application(middlewares=[self._checked])
        app.add_routes(
            [
                web.post("/api/sandbox", self._create),
                web.get("/api/sandbox", self._list),
                web.get("/api/sandbox/{id}", self._get),
                web.delete("/api/sandbox/{id}", self._delete),
                web.put("/api/sandbox/{id}/labels", self._label),
                web.post("/api/sandbox/{id}/last-activity", self._renew),
                web.get("/toolbox/{id}/process/pty/create-connect", self._terminal),
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        self._base = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"

    async def _stop(self) -> None:
        await self._runner.cleanup()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    @web.middleware
    async def _checked(self, request: web.Request, handler: Any) -> web.StreamResponse:
        sandbox = request.match_info.get("id", "")
        path = request.path.replace(sandbox, "{id}") if sandbox else request.path
        name = f"{request.method} {path}"
        if "socket.io" not in path:
            self.requests.append(name)
        if name in self.stalled:
            await asyncio.Event().wait()
        if request.match_info.http_exception is None and request.headers.get("Authorization") != f"Bearer {KEY}":
            return _problem(401, "Invalid credentials")
        status = self.answer(name)
        if status is not None:
            return _problem(status, "as the test wants it")
        if sandbox and sandbox not in self.sandboxes:
            named = [each.id for each in self.sandboxes.values() if each.asked.get("name") == sandbox]
            if not named:
                return _problem(404, f"Sandbox with ID or name {sandbox} not found")
            request.match_info["id"] = named[0]
        answer: web.StreamResponse = await handler(request)
        if name in self.mute:
            await asyncio.Event().wait()
        return answer

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        sandbox = Sandbox(asked, Path(tempfile.mkdtemp(prefix="daytona-")))
        self.created.append(asked)
        self.sandboxes[sandbox.id] = sandbox
        return web.json_response(sandbox.described(self._base, stuck=self.stuck))

    async def _list(self, request: web.Request) -> web.Response:
        wanted = json.loads(request.query.get("labels", "{}"))
        found = [each for each in self.sandboxes.values() if wanted.items() <= each.asked.get("labels", {}).items()]
        return web.json_response(
            {"items": [each.described(self._base, stuck=self.stuck) for each in found], "nextCursor": None}
        )

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(self.sandboxes[request.match_info["id"]].described(self._base, stuck=self.stuck))

    async def _delete(self, request: web.Request) -> web.Response:
        sandbox = self.sandboxes[request.match_info["id"]]
        answer = {**sandbox.described(self._base, stuck=self.stuck), "state": "destroying"}
        self.destroy(sandbox)
        return web.json_response(answer)

    async def _label(self, request: web.Request) -> web.Response:
        sandbox = self.sandboxes[request.match_info["id"]]
        sandbox.asked["labels"] = (await request.json())["labels"]
        return web.json_response({"labels": sandbox.asked["labels"]})

    async def _renew(self, request: web.Request) -> web.Response:
        self.sandboxes[request.match_info["id"]].renewals += 1
        return web.Response(status=201)

    # ── terminals ─────────────────────────────────────────────────────────────────────────

    async def _terminal(self, request: web.Request) -> web.StreamResponse:
        sandbox = self.sandboxes[request.match_info["id"]]
        connection = web.WebSocketResponse(
            max_msg_size=LONGEST, protocols=["X-Daytona-Pty-Exit-Control"], autoclose=False
        )
        await connection.prepare(request)
        ours, theirs = pty.openpty()
        size = struct.pack("HHHH", int(request.query["rows"]), int(request.query["cols"]), 0, 0)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
        shell = subprocess.Popen(
            ["setsid", "--ctty", "bash", "-i", "-l"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=sandbox.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(sandbox.folder), "TERM": "xterm-256color"},
        )
        os.close(theirs)
        sandbox.shells.append(shell)
        await connection.send_json({"type": "control", "status": "connected"})
        waiting: asyncio.Queue[bytes] = asyncio.Queue(WAITING)
        slow, ended = asyncio.Event(), asyncio.Event()
        # Threads of our own, that nobody waits for: a terminal's calls may block for as long as it lives.
        inputs: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=_write, args=(os.dup(ours), inputs), daemon=True).start()
        threading.Thread(target=self._read, args=(ours, waiting, slow, ended), daemon=True).start()
        parts = [self._send(connection, waiting), _receive(connection, inputs), slow.wait(), ended.wait()]
        running = [asyncio.ensure_future(part) for part in parts]
        try:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            if slow.is_set():
                self.dropped += 1
                await connection.close(code=WSCloseCode.POLICY_VIOLATION, message=b"slow consumer")
            elif ended.is_set():
                code = shell.wait(10)
                code = code if code >= 0 else 128 - code
                with contextlib.suppress(ConnectionError):
                    if connection.ws_protocol:
                        await connection.send_json({"type": "control", "status": "exited", "exitCode": code})
                    reason = json.dumps({"exitCode": code}).encode()
                    await connection.close(code=1000 if code == 0 else 1011, message=reason)
        finally:
            for part in running:
                part.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            inputs.put(b"")
        return connection

    def _read(self, terminal: int, waiting: asyncio.Queue[bytes], slow: asyncio.Event, ended: asyncio.Event) -> None:
        """Read a terminal until its last process has ended, whether or not its client is still there."""

        def queue_up(data: bytes) -> None:
            try:
                waiting.put_nowait(data)
            except asyncio.QueueFull:
                slow.set()

        with contextlib.suppress(RuntimeError):  # the server has been stopped
            while data := _read_some(terminal):
                self._loop.call_soon_threadsafe(queue_up, data)
            self._loop.call_soon_threadsafe(ended.set)
        os.close(terminal)

    async def _send(self, connection: web.WebSocketResponse, waiting: asyncio.Queue[bytes]) -> None:
        while True:
            data = await waiting.get()
            await asyncio.sleep(self.delay)
            await connection.send_bytes(data)


async def _receive(connection: web.WebSocketResponse, inputs: queue.SimpleQueue[bytes]) -> None:
    while True:
        message = await connection.receive()
        if message.type not in (WSMsgType.BINARY, WSMsgType.TEXT):
            return
        inputs.put(message.data if isinstance(message.data, bytes) else message.data.encode())


def _read_some(terminal: int) -> bytes:
    try:
        return os.read(terminal, READ)
    except OSError:
        return b""


def _write(terminal: int, inputs: queue.SimpleQueue[bytes]) -> None:
    with contextlib.suppress(OSError):
        while data := inputs.get():
            while data:
                data = data[os.write(terminal, data) :]
    os.close(terminal)


def _problem(status: int, message: str) -> web.Response:
    envelope = {"statusCode": status, "message": message, "source": "DAYTONA_API"}
    return web.json_response(envelope, status=status)


def below(pid: int) -> Iterator[int]:
    """Yield the processes below one, leaves first."""
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                yield from below(int(child))
                yield int(child)


def kill_tree(pid: int) -> None:
    """Kill all processes below one, and it."""
    for each in [*below(pid), pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
