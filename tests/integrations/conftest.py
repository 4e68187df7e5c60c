"""An engine that has no sandbox to run in, and servers on ports of their own."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

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
