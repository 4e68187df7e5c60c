"""A Docker daemon of the tests' own, to be killed, and a network to it that can be cut or garbled.

- :class:`Daemon`: starts, kills and starts again; its disk is small and can be filled.
- :class:`Wire`: a TCP port through which the daemon is reached.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import docker

from deepgym_env.sandbox.docker import BUILT_IMAGE, connect

SECONDS = 60.0
_DISK = "size=900m"


def wait_until(condition: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
    """Wait for what another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.02)


class Daemon:
    """A Docker daemon with the sandbox image, whose data lie on a small disk of their own."""

    def __init__(self, place: Path) -> None:
        """Start it, with the image of the daemon the environment names."""
        self.place = place
        self.socket = place / "docker.sock"
        self.url = f"unix://{self.socket}"
        self.data = place / "data"
        self.data.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", _DISK, "tmpfs", str(self.data)], check=True)
        self.start()
        with connect() as other, contextlib.closing(docker.APIClient(base_url=self.url, timeout=120)) as own:
            for _ in own.load_image(other.get_image(f"{BUILT_IMAGE}:latest")):
                pass

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.log = (self.place / "dockerd.log").open("ab")
        command = ["dockerd", "--host", self.url, "--data-root", str(self.data), "--exec-root", str(self.place / "x")]
        command += ["--pidfile", str(self.place / "pid"), "--bridge=none", "--iptables=false"]
        command += ["--config-file", str(self._settings())]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, start_new_session=True)
        wait_until(self.answers, f"no daemon: see {self.log.name}")

    def _settings(self) -> Path:
        file, runsc = self.place / "daemon.json", shutil.which("runsc")
        runtime = {"path": runsc, "runtimeArgs": ["--network=none", "--platform=ptrace"]}
        file.write_text(json.dumps({"runtimes": {"runsc": runtime}} if runsc else {}))
        return file

    def answers(self) -> bool:
        """Return whether it is there."""
        if self.process.poll() is not None:
            raise RuntimeError(Path(self.log.name).read_text()[-2000:])
        try:
            with contextlib.closing(docker.APIClient(base_url=self.url, timeout=5)) as api:
                return bool(api.ping())
        except (docker.errors.DockerException, OSError):
            return False

    def kill(self) -> None:
        """Kill it, and what it would take for its own on its return."""
        self.process.kill()
        self.process.wait()
        self.log.close()
        for left in (self.place / "pid", self.place / "x/containerd/containerd.pid"):
            left.unlink(missing_ok=True)

    def stop(self) -> None:
        """End it and remove what it has left."""
        self.process.terminate()
        try:
            self.process.wait(20.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for mount in sorted((mount for mount in mounts if mount.startswith(str(self.place))), reverse=True):
            subprocess.run(["umount", "-l", mount], check=False)

    @contextlib.contextmanager
    def full_disk(self):
        """Fill its disk, and empty it again."""
        ballast = self.data / "ballast"
        free = os.statvfs(self.data).f_bavail * os.statvfs(self.data).f_frsize
        try:
            with contextlib.suppress(OSError), ballast.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, max(1, free - 4096))
                file.seek(0, os.SEEK_END)
                while True:
                    file.write(bytes(512))
                    file.flush()
            yield
        finally:
            ballast.unlink(missing_ok=True)

    def containers(self) -> list[str]:
        """Return the ids of all containers it has."""
        with contextlib.closing(docker.APIClient(base_url=self.url, timeout=30)) as api:
            return [found["Id"] for found in api.containers(all=True)]


class Wire:
    """A TCP port on loopback that leads to a daemon's socket."""

    def __init__(self, socket: Path) -> None:
        """Open it, on a thread of its own."""
        self._target = str(socket)
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._up = True
        self._garble = False
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire")
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop
        ).result()
        self.url = f"tcp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """Break every connection; further ones are closed at once."""
        self._call(self._cut)

    def mend(self) -> None:
        """Let connections through again."""
        self._up = True

    def garble(self) -> None:
        """Turn every bit of what a container writes next."""
        self._garble = True

    def close(self) -> None:
        """Close it."""
        self._call(self._cut)
        self._call(self._server.close)
        self._call(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, action: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(action)

    def _cut(self) -> None:
        self._up = False
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._up:
            writer.transport.abort()
            return
        inner_reader, inner_writer = await asyncio.open_unix_connection(self._target)
        pair = {writer, inner_writer}
        self._writers |= pair
        try:
            await asyncio.gather(self._pump(reader, inner_writer), self._pump(inner_reader, writer, answers=True))
        finally:
            self._writers -= pair
            for each in pair:
                each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: bool = False) -> None:
        hijacked = False
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if answers and hijacked and self._garble:
                    self._garble = False
                    data = bytes(byte ^ 0xFF for byte in data)
                hijacked = hijacked or b"101 UPGRADED" in data
                writer.write(data)
                await writer.drain()
            writer.write_eof()
