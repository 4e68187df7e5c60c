"""DeepGym servers on the loopback device: on a thread, so that tests can look into them, and as processes.

- :func:`serving`: on a thread; :class:`Served`: what it is.
- :class:`ServerProcess`: ``deepgym serve``, which may be killed and begun anew on the same port.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.datastructures import State

from deepgym_env import DeepGym
from deepgym_env.server.app import create_app
from deepgym_env.server.services import Services
from deepgym_env.server.serving import DrainingServer, listen
from deepgym_env.server.settings import Settings


@dataclass
class Served:
    """A server on a thread."""

    url: str
    services: Services
    state: State


@contextlib.contextmanager
def serving(engine: DeepGym, folder: Path, **settings: Any) -> Iterator[Served]:
    """Serve until the block ends, with a database of its own in ``folder``."""
    app = create_app(Settings(database=f"sqlite:///{folder}/deepgym.db", **settings), engine=engine)
    server = DrainingServer(app, app.state.services.drain)
    listening = listen("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="server")
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}", app.state.services, app.state)
    finally:
        server.should_exit = True
        thread.join()


class ServerProcess:
    """``deepgym serve`` in a process of its own, ready to be asked."""

    def __init__(self, folder: Path, *options: str, port: int = 0) -> None:
        command = [sys.executable, "-m", "deepgym_env.cli", "serve", "--port", str(port), "--workers", "1", *options]
        database = ["--database", f"sqlite:///{folder}/deepgym.db"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen([*command, *database], text=True, cwd=folder, **pipes)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert "DeepGym serves http://127.0.0.1:" in line, line
        self.url = line.split()[-1]
        self.port = int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        """End it on the spot, if it isn't over."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()
