"""An engine that has no sandbox to run in, and servers on ports of their own, also ``deepgym serve`` with a key."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from deepgym_env import DeepGym
from deepgym_env.errors import SandboxError


class Nowhere:
    """A backend whose sandboxes never start."""

    name = "nowhere"

    def start(self) -> Any:
        raise SandboxError("no machine today")

    def for_sessions(self) -> Nowhere:
        return self

    def for_suites(self) -> Nowhere:
        return self


@pytest.fixture(scope="session")
def nowhere() -> Iterator[DeepGym]:
    """An engine none of whose sandboxes starts: every run is an infrastructure failure."""
    with DeepGym(backend=Nowhere(), workers=1, retries=0) as dg:
        yield dg


@pytest.fixture
def served() -> Iterator[Callable[[Any], Any]]:
    """Serves an application over HTTP until the test ends; returns an HTTP client of it."""
    import httpx
    import uvicorn

    with contextlib.ExitStack() as stack:

        def serve(app: Any) -> httpx.Client:
            sock = socket.create_server(("127.0.0.1", 0))
            server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
            thread = threading.Thread(target=server.run, args=([sock],))
            thread.start()

            def stop() -> None:
                server.should_exit = True
                thread.join()
                sock.close()

            stack.callback(stop)
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            client = httpx.Client(base_url=f"http://127.0.0.1:{sock.getsockname()[1]}", timeout=60)
            return stack.enter_context(client)

        yield serve


class KeyedServer(NamedTuple):
    """A ``deepgym serve`` that asks everybody for a key."""

    address: str
    key: str

    @property
    def with_key(self) -> str:
        """Its address for clients that know only a URL."""
        return self.address.replace("http://", f"http://key:{self.key}@")


@pytest.fixture(scope="session")
def keyed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedServer]:
    """``deepgym serve`` as a process, and a key that may judge."""
    folder = tmp_path_factory.mktemp("server")
    command = [sys.executable, "-m", "deepgym_env.cli"]
    environment = {**os.environ, "DEEPGYM_DATABASE": f"sqlite:///{folder}/deepgym.db"}
    keys = [*command, "keys", "create", "tester", "--scope", "run", "--scope", "read"]
    made = subprocess.run(keys, env=environment, check=True, capture_output=True, text=True)
    serve = [*command, "serve", "--port", "0", "--workers", "1", "--max-sessions", "64", "--session-ttl", "30"]
    log = (folder / "log").open("w")
    with log, subprocess.Popen(serve, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True) as up:
        try:
            assert up.stdout is not None
            line = up.stdout.readline()
            assert line.startswith("DeepGym serves http://127.0.0.1:"), (folder / "log").read_text()
            yield KeyedServer(line.split()[-1], made.stdout.split()[0])
        finally:
            up.terminate()
            assert up.wait(60) == 0, (folder / "log").read_text()
