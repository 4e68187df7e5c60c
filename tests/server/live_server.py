"""A server of sessions on the loopback device, in this process, so that tests can reach what it keeps.

- :class:`LiveServer`; :func:`serving`: runs one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import uvicorn

from deepgym_env import DeepGym
from deepgym_env.server.app import create_app
from deepgym_env.server.live.running import Live
from deepgym_env.server.settings import Settings


class LiveServer:
    """A server and a client of it."""

    def __init__(self, app: Any, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self.app, self.url, self.loop = app, url, loop
        self.http = httpx.Client(base_url=url, timeout=120)

    @property
    def live(self) -> Live:
        """The sessions it keeps."""
        live: Live = self.app.state.services.live
        return live

    def send(self, method: str, path: str, body: Any = None, headers: Any = None) -> httpx.Response:
        """Send JSON as ``json.dumps`` writes it, half characters too."""
        content = None if body is None else json.dumps(body)
        headers = {"content-type": "application/json", **(headers or {})}
        return self.http.request(method, path, content=content, headers=headers)

    def post(self, path: str, body: Any = None, expect: int = 200, headers: Any = None) -> Any:
        """Post JSON, and return the answer's."""
        answer = self.send("POST", path, {} if body is None else body, headers)
        assert answer.status_code == expect, answer.text[:2000]
        return answer.json() if answer.content else None

    def get(self, path: str, expect: int = 200, headers: Any = None) -> Any:
        """Return what an address has."""
        answer = self.http.get(path, headers=headers)
        assert answer.status_code == expect, answer.text[:2000]
        return answer.json()

    def delete(self, path: str, expect: int = 204, headers: Any = None) -> None:
        """Delete what an address has."""
        answer = self.http.delete(path, headers=headers)
        assert answer.status_code == expect, answer.text[:2000]


@contextlib.contextmanager
def serving(engine: DeepGym | None, **settings: Any) -> Iterator[LiveServer]:
    """Run a server on a port of its own until the block ends, its lifespan included."""
    app = create_app(Settings(**settings), engine=engine)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server didn't start"
            time.sleep(0.005)
        listening = server.servers[0]
        port = listening.sockets[0].getsockname()[1]
        one = LiveServer(app, f"http://127.0.0.1:{port}", listening.get_loop())
        with one.http:
            yield one
    finally:
        server.should_exit = True
        thread.join()
