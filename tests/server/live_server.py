"""A server of sessions, so that tests can ask it briefly and reach what it keeps.

- :class:`LiveServer`; :func:`keeping`: runs one.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from running_server import Api, serving

from deepgym_env import DeepGym
from deepgym_env.server.live.running import Live


class LiveServer:
    """A server, and a client of it."""

    def __init__(self, http: Api) -> None:
        self.http = http
        self.url = str(http.base_url).rstrip("/")
        self.services = http.services
        self._app = http.app

    @property
    def live(self) -> Live:
        """The sessions it keeps."""
        live: Live = self._app.state.live
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
def keeping(engine: DeepGym, folder: Path, **settings: Any) -> Iterator[LiveServer]:
    """Serve with a database of its own in ``folder``."""
    with serving(folder, engine, **settings) as http:
        yield LiveServer(http)
