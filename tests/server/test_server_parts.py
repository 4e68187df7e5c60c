"""The parts of the server by themselves."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from running_server import serving

from deepgym_env import DeepGym, Task, load_environment
from deepgym_env.benchmarks import BENCHMARKS
from deepgym_env.benchmarks.catalogue import store_of
from deepgym_env.benchmarks.records import to_text
from deepgym_env.benchmarks.store import write_store
from deepgym_env.errors import ConfigError
from deepgym_env.remote.wire import Item
from deepgym_env.server.drain import Drain
from deepgym_env.server.serving import listen
from deepgym_env.server.tasks import TaskShelf


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_drain_waits_for_what_is_under_way() -> None:
    drain = Drain(30.0, Clock())
    with drain.working():
        assert (drain.draining, drain.check()) == (False, False)
        drain.begin()
        assert (drain.draining, drain.check(), drain.over.is_set()) == (True, False, False)
    assert (drain.check(), drain.over.is_set()) == (True, True)


def test_a_drain_does_not_wait_for_ever() -> None:
    clock = Clock()
    drain = Drain(30.0, clock)
    with drain.working():
        drain.begin()
        clock.now += 29.9
        assert drain.check() is False
        clock.now += 0.1
        assert drain.check() is True


def test_a_failed_request_is_no_longer_under_way() -> None:
    drain = Drain(1.0)
    with pytest.raises(KeyError), drain.working():
        raise KeyError
    assert drain.under_way == 0


def test_tasks_by_value_are_kept_while_there_is_room(make_task: Callable[..., Task]) -> None:
    texts = [to_text(make_task(((number,), number), id=f"t{number}")) for number in range(4)]
    shelf = TaskShelf(characters=sum(map(len, texts[:3])))
    first, second = shelf.of_text(texts[0]), shelf.of_text(texts[1])
    assert shelf.of_text(texts[0]) is first
    shelf.of_text(texts[2])
    shelf.of_text(texts[3])  # the second was asked for longest ago
    assert shelf.of_text(texts[0]) is first
    assert shelf.of_text(texts[1]) is not second
    assert shelf.of_text(texts[1]) == second


def test_a_task_larger_than_the_shelf_is_read_all_the_same() -> None:
    task = load_environment("fizzbuzz")
    assert TaskShelf(characters=1).of_text(to_text(task)) == task


def test_names_of_tasks_by_value_come_before_ids(make_task: Callable[..., Task]) -> None:
    own = make_task(((1,), 1), id="own")
    items = [Item(environment="fizzbuzz", completion="a"), Item(environment="two_sum", completion="b", seed=3)]
    found = TaskShelf().submissions(items, {"fizzbuzz": to_text(own)})
    assert [(task.id, task.seed, completion) for task, completion in found] == [("own", 0, "a"), ("two_sum", 3, "b")]


def test_answers_are_not_held_back() -> None:
    with listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_an_address_that_is_none() -> None:
    with pytest.raises(ConfigError, match="--host"):
        listen("no such host", 80)


def test_a_database_that_is_gone(tmp_path: Path, engine: DeepGym) -> None:
    with serving(tmp_path, engine) as api:
        assert api.get("/readyz").status_code == 200
        api.services.database.close()
        (tmp_path / "deepgym.db").unlink()
        (tmp_path / "deepgym.db").mkdir()
        api.services.readiness._until = 0.0
        ready = api.get("/readyz")
        assert (ready.status_code, list(ready.json()["reasons"])) == (503, ["database"])
        run = {"environment": "reverse_string", "completion": "def reverse_string(s): return s[::-1]"}
        assert api.post("/v1/run", json=run).json()["passed"] is True  # judging needs no database


def test_a_busy_server_is_ready(tmp_path: Path, engine: DeepGym, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_: Any) -> None:
        await asyncio.sleep(3600)

    monkeypatch.setattr("deepgym_env.server.readiness._PATIENCE", 0.05)
    monkeypatch.setattr("deepgym_env.engine.AsyncDeepGym.isolation", never)
    with serving(tmp_path, engine) as api:
        assert api.get("/readyz").json()["reasons"]["sandbox"].startswith("no sandbox answered")
        run = {"environment": "reverse_string", "completion": "def reverse_string(s): return s[::-1]"}
        assert api.post("/v1/run", json=run).status_code == 200
        api.services.readiness._until = 0.0
        assert api.get("/readyz").status_code == 200


def test_imported_benchmarks_are_listed(
    tmp_path: Path, engine: DeepGym, make_task: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPGYM_HOME", str(tmp_path / "home"))
    tasks = [make_task(((1,), 2), id=f"HumanEval/{number}", title=f"Number {number}") for number in range(2000)]
    write_store(store_of(BENCHMARKS["humaneval"]), "humaneval", tasks)
    with serving(tmp_path, engine) as api:
        page = api.get("/v1/environments", params={"text": "humaneval/", "limit": 1000}).json()
        assert (page["total"], page["next"], page["environments"][7]["title"]) == (2000, "HumanEval/999", "Number 7")
        shown = api.get("/v1/environments/HumanEval/1999").json()
        assert (shown["id"], shown["tests"], shown["public_tests"]) == ("HumanEval/1999", 1, 1)
        assert api.get("/v1/environments/HumanEval/2000").status_code == 404
        run = {"environment": "HumanEval/5", "completion": "def f(x): return 2"}
        assert api.post("/v1/run", json=run).json()["passed"] is True
