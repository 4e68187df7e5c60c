"""A server on a thread, reached over a real socket.

- :func:`serving`: an application that answers as long as the block runs.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from deepgym_env import DeepGym
from deepgym_env.server.app import create_app
from deepgym_env.server.services import Services
from deepgym_env.server.serving import DrainingServer, listen
from deepgym_env.server.settings import Settings


class Api(httpx.Client):
    """A client of a server whose parts can be looked at."""

    app: FastAPI
    services: Services


@contextlib.contextmanager
def serving(folder: Path, engine: DeepGym, **settings: Any) -> Iterator[Api]:
    """Serve with a database of its own in ``folder``."""
    app = create_app(Settings(database=f"sqlite:///{folder}/deepgym.db", **settings), engine=engine)
    server = DrainingServer(app, app.state.services.drain)
    listening = listen("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="server")
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        with Api(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=120, trust_env=False) as api:
            api.app, api.services = app, app.state.services
            yield api
    finally:
        server.should_exit = True
        thread.join()
