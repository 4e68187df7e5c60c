"""Running the command in this process and as a process, and a small task to run it on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deepgym_env.catalog import load_task
from deepgym_env.cli import app
from deepgym_env.sandbox import LocalBackend

PLAIN = {"COLUMNS": None, "FORCE_COLOR": None, "TTY_COMPATIBLE": None}
SQUARE = "def square(x):\n    return x * x\n"


@pytest.fixture
def deepgym() -> Callable[..., Any]:
    """Runs the command in this process."""

    def invoke(*args: object, stdin: str | bytes | None = None) -> Any:
        return CliRunner(env=PLAIN).invoke(app, [str(arg) for arg in args], input=stdin, prog_name="deepgym")

    return invoke


@pytest.fixture
def refused(deepgym: Callable[..., Any]) -> Callable[..., str]:
    """Runs the command on bad input; returns the one line it says."""

    def invoke(*args: object, code: int = 2, stdin: str | bytes | None = None) -> str:
        result = deepgym(*args, stdin=stdin)
        assert (result.exit_code, result.stdout) == (code, ""), result.output
        assert result.stderr.startswith("error: "), result.stderr
        assert result.stderr.count("\n") == 1, result.stderr
        return str(result.stderr)

    return invoke


@pytest.fixture
def shell() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts the command as a process of its own; ends it with the test, also one that fails."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*args: object, **options: Any) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if name not in PLAIN}
        environment.update(options.pop("env", {}))
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        command = [sys.executable, "-m", "deepgym_env.cli", *map(str, args)]
        started.append(subprocess.Popen(command, env=environment, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def square_task(tmp_path: Path) -> Path:
    """A task folder: two public tests, one hidden."""
    folder = tmp_path / "square"
    folder.mkdir()
    folder.joinpath("task.toml").write_text(
        'kind = "function"\ntitle = "Square"\nentry_point = "square"\n[limits]\nwall_seconds = 120\n'
    )
    folder.joinpath("prompt.md").write_text("Write `square(x)`.\n")
    folder.joinpath("cases.py").write_text(
        "from deepgym_env.task import Case\n"
        "def cases(rng):\n"
        "    yield Case.of(3, expected=9, id='three', public=True)\n"
        "    yield Case.of(1, expected=1, id='one', public=True)\n"
        "    number = rng.randint(10, 10**9)\n"
        "    yield Case.of(number, expected=number * number, id='secret')\n"
    )
    folder.joinpath("reference.py").write_text(SQUARE)
    return folder


@pytest.fixture
def no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which no sandbox starts: its Python is gone."""
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")


@pytest.fixture
def weak_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with system call filters and nothing else."""
    monkeypatch.setitem(LocalBackend.__init__.__kwdefaults__, "layers", ("seccomp",))


@pytest.fixture
def coin_change() -> Any:
    return load_task("coin_change")


@pytest.fixture
def endpoint():
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            message = {"role": "assistant", "content": load_task("two_sum").reference}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
            body = {
                "id": "x",
                "object": "chat.completion",
                "created": 0,
                "model": "m",
                "choices": [choice],
                "usage": usage,
            }
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()
