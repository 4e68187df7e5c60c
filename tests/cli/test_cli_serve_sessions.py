"""``deepgym serve`` goes down with sessions open: they end with it, and their sandboxes too."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
from test_cli_serve import Served, serve  # noqa: F401 - a fixture


def test_sessions_end_with_the_server(serve: Callable[..., Served], processes: Any) -> None:  # noqa: F811
    server = serve("--drain-seconds", 0)
    episode = server.post("/v1/sessions", {"environment": "debug_fix"}).json()["id"]
    workspace = server.post("/v1/workspaces", {}).json()["id"]
    assert server.post("/v1/workspaces", {"environment": "debug_fix"}).status_code == 201
    answers: list[httpx.Response] = []
    requests = (
        (f"/v1/sessions/{episode}/steps", {"step_id": "1", "action": "```bash\ntouch x; sleep 1000\n```"}),
        (f"/v1/workspaces/{workspace}/exec", {"command": "sleep 1000"}),
    )
    threads = [threading.Thread(target=lambda r=r: answers.append(server.post(*r))) for r in requests]
    before = len(processes.below(server.process.pid))
    for thread in threads:
        thread.start()
    while len(below := processes.below(server.process.pid)) < before + 4:
        time.sleep(0.01)
    server.ends(signal.SIGTERM)
    for thread in threads:
        thread.join(60)
    assert [(each.status_code, each.headers["Retry-After"]) for each in answers] == [(503, "5")] * 2
    assert processes.survivors(below) == []
