"""``deepgym view``: served to this machine only, or one file."""

from __future__ import annotations

import json
import re
import signal
import socket

import httpx
import pytest
from viewer_episodes import made_up, write_log


@pytest.fixture
def log(tmp_path):
    return write_log(tmp_path / "runs" / "log.jsonl", made_up(), made_up(seed=2))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_serving(shell, log, host):
    process = shell("view", log.parent, "--port", 0, "--host", host)
    line = process.stdout.readline().decode()
    url = re.fullmatch(r"2 episodes at (http://\S+:\d+/) \(Ctrl-C ends it\)\n", line)[1]
    assert httpx.get(url).status_code == 200
    assert "2 episodes" in httpx.get(url).text
    write_log(log, made_up(seed=3))
    deadline = 100
    while "3 episodes" not in httpx.get(url).text:  # it looks at the files once a second
        deadline -= 1
        assert deadline
        process.poll() is None or pytest.fail(process.stderr.read().decode())
        signal.sigtimedwait([], 0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert process.stderr.read() == b""


def test_one_file(deepgym, log, tmp_path):
    out = tmp_path / "out.html"
    result = deepgym("view", log, "--static", out)
    assert (result.exit_code, result.stdout) == (0, f"2 episodes in {out}\n")
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["out.html"]


def test_bad_input(refused, log, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "give a log that EpisodeLogger wrote" in refused("view", tmp_path / "nothing")
    assert "can be reached by others" in refused("view", log, "--host", "0.0.0.0")
    assert "can be reached by others" in refused("view", log, "--host", "example.org")
    assert "there are no episodes" in refused("view", empty, "--static", tmp_path / "out.html")
    before = log.read_bytes()
    assert "must be another file than a log" in refused("view", log, "--static", log)
    assert log.read_bytes() == before
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = refused("view", log, "--port", taken.getsockname()[1])
    assert "give another --port" in said


def test_what_can_not_be_read_is_told_of(shell, log):
    with log.open("a") as file:
        file.write(json.dumps({"a": "\x1b[31m"}) + "\n")
    process = shell("view", log, "--port", 0)
    process.stdout.readline()
    told = process.stderr.readline().decode()
    assert told.startswith("log.jsonl, line 3: no episode")
    process.send_signal(signal.SIGTERM)
    process.wait(30)
