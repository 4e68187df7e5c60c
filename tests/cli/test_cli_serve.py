"""``deepgym serve`` as a process: what it says, whom it lets in, and how it goes down."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deepgym_env.remote.wire import Verdict
from deepgym_env.server.store.database import Database
from deepgym_env.server.store.keys import KeyStore

RIGHT = "def reverse_string(s):\n    return s[::-1]\n"


class Served:
    """A server's process, and a client of it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        assert line.startswith("DeepGym serves http://"), line + process.communicate()[1].decode()
        self.url = line.split()[-1]
        self.api = httpx.Client(base_url=self.url, timeout=120, trust_env=False)

    def post(self, path: str, body: Any) -> httpx.Response:
        return self.api.post(path, json=body)

    def ends(self, number: signal.Signals | None = None) -> str:
        """Send a signal, if any, and return what it wrote on stderr once it has ended well."""
        if number is not None:
            self.process.send_signal(number)
        _, said = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, said.decode()
        return said.decode()


@pytest.fixture
def serve(shell: Callable[..., Any], tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts servers on free ports, with one database."""
    started: list[Served] = []

    def start(*options: object) -> Served:
        database = f"sqlite:///{tmp_path}/deepgym.db"
        process = shell("serve", "--port", 0, "--workers", 1, "--database", database, *options)
        started.append(Served(process))
        return started[-1]

    yield start
    for each in started:
        each.api.close()


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[KeyStore]:
    """The keys of the servers' database."""
    database = Database(f"sqlite:///{tmp_path}/deepgym.db")
    yield KeyStore(database)
    database.close()


def slow(seconds: float, number: int) -> dict[str, str]:
    """Return a submission that takes its time and is right."""
    code = f"import time\ntime.sleep({seconds})\n{RIGHT}# {number}"
    return {"environment": "reverse_string", "completion": code}


class Asking:
    """A request whose answer is waited for elsewhere."""

    def __init__(self, server: Served, items: list[dict[str, str]]) -> None:
        self.answer: httpx.Response | Exception | None = None
        self._thread = threading.Thread(target=self._ask, args=(server, items))
        self._thread.start()
        text = ""
        deadline = time.monotonic() + 60
        while f"deepgym_queue {float(len(items))}" not in text:
            assert time.monotonic() < deadline, text
            text = server.api.get("/metrics").text

    def _ask(self, server: Served, items: list[dict[str, str]]) -> None:
        try:
            self.answer = server.post("/v1/batch", {"items": items})
        except httpx.HTTPError as error:
            self.answer = error

    def result(self) -> Any:
        self._thread.join(60)
        return self.answer


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_ends(serve: Callable[..., Served], processes: Any, number: signal.Signals) -> None:
    server = serve()
    assert server.api.get("/readyz").json() == {"status": "ok", "reasons": {}}
    verdict = server.post("/v1/run", {"environment": "reverse_string", "completion": RIGHT})
    assert Verdict.model_validate(verdict.json()).passed
    below = processes.below(server.process.pid)
    assert below
    said = server.ends(number)
    assert "isolation: " in said
    assert "nobody is asked for a key" in said
    assert "Traceback" not in said
    assert processes.survivors(below) == []


def test_a_run_under_way_is_answered_before_it_ends(serve: Callable[..., Served]) -> None:
    server = serve("--log-format", "json")
    asking = Asking(server, [slow(1.5, number) for number in range(8)])
    server.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 60
    while (ready := server.api.get("/readyz")).status_code == 200:
        assert time.monotonic() < deadline
    assert "drain" in ready.json()["reasons"]
    assert server.api.get("/healthz").status_code == 200
    refused = server.post("/v1/run", {"environment": "reverse_string", "completion": RIGHT})
    assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (503, True)
    answer = asking.result()
    assert answer.status_code == 200, answer
    assert [verdict["passed"] for verdict in answer.json()["results"]] == [True] * 8
    lines = [json.loads(line) for line in server.ends().splitlines()]
    assert (lines[0]["message"], lines[0]["address"]) == ("serving", server.url)
    batch = next(line for line in lines if line.get("route") == "/v1/batch")
    assert (batch["status"], batch["items"], batch["without_verdict"]) == (200, 8, 0)


def test_what_takes_too_long_is_told_to_ask_again(serve: Callable[..., Served], processes: Any) -> None:
    server = serve("--drain-seconds", 0.3)
    asking = Asking(server, [slow(2, number) for number in range(64)])
    below = processes.below(server.process.pid)
    server.ends(signal.SIGTERM)
    answer = asking.result()
    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (503, True)
    assert "nothing was decided" in answer.json()["detail"]
    assert processes.survivors(below) == []


def test_a_second_signal_ends_it_at_once(serve: Callable[..., Served], processes: Any) -> None:
    server = serve()
    asking = Asking(server, [slow(2, number) for number in range(64)])
    below = processes.below(server.process.pid)
    server.process.send_signal(signal.SIGTERM)
    while server.api.get("/readyz").status_code == 200:
        time.sleep(0.01)
    server.ends(signal.SIGTERM)
    answer = asking.result()
    assert isinstance(answer, httpx.HTTPError) or answer.status_code >= 500
    assert processes.survivors(below) == []


@pytest.mark.parametrize("options", [("--host", "0.0.0.0"), ("--host", "::"), ("--host", "0.0.0.0", "--open")])
def test_other_machines_are_not_served_without_keys(refused: Callable[..., str], tmp_path: Path, options: Any) -> None:
    said = refused("serve", "--port", 0, "--database", f"sqlite:///{tmp_path}/x.db", *options)
    assert "deepgym keys create" in said


def test_other_machines_are_served_with_keys(serve: Callable[..., Served], keys: KeyStore) -> None:
    key = keys.create("trainer", ["run"])
    server = serve("--host", "0.0.0.0")
    server.api = httpx.Client(base_url=server.url.replace("0.0.0.0", "127.0.0.1"), timeout=60, trust_env=False)
    run = {"environment": "reverse_string", "completion": RIGHT}
    assert server.post("/v1/run", run).status_code == 401
    server.api.headers["Authorization"] = f"Bearer {key}"
    assert server.post("/v1/run", run).json()["passed"] is True
    said = server.ends(signal.SIGTERM)
    assert "every request needs a key" in said
    assert key not in said
    assert key.split("_")[1] in said  # its id


def test_a_port_that_is_taken(refused: Callable[..., str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused("serve", "--port", port, "--workers", 1, "--database", f"sqlite:///{tmp_path}/x.db")
    assert str(port) in said
    assert "--port" in said


@pytest.mark.usefixtures("no_sandbox")
def test_a_sandbox_that_can_not_start(refused: Callable[..., str], tmp_path: Path) -> None:
    refused("serve", "--port", 0, "--database", f"sqlite:///{tmp_path}/x.db", code=3)


@pytest.mark.usefixtures("weak_sandbox")
def test_less_isolation_than_asked_for(refused: Callable[..., str], tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/x.db"
    said = refused("serve", "--port", 0, "--database", database, "--min-isolation", "full", code=3)
    assert "isolation" in said
