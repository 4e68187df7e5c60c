"""Other servers' endpoints and the pages, behind this server's keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gymnasium as gym
import httpx
import pytest

import deepgym_env  # noqa: F401
from deepgym_env import DeepGym
from deepgym_env.server.app import create_app
from deepgym_env.server.settings import Settings
from deepgym_env.server.store.database import Database
from deepgym_env.server.store.keys import KeyStore
from deepgym_env.wrappers import EpisodeLogger

RIGHT = "def reverse_string(s): return s[::-1]"


@pytest.fixture(scope="module")
def engine() -> Iterator[DeepGym]:
    with DeepGym(workers=1) as engine:
        yield engine


@pytest.fixture
def served(tmp_path: Path, engine: DeepGym, serve: Callable[[Any], str]) -> Callable[..., tuple[str, str]]:
    """Starts a server with a key of some scopes; returns its address and the key."""

    def start(*scopes: str, **settings: Any) -> tuple[str, str]:
        url = f"sqlite:///{tmp_path}/deepgym.db"
        database = Database(url)
        secret = KeyStore(database).create("one", scopes)
        database.close()
        return serve(create_app(Settings(database=url, **settings), engine=engine)), secret

    return start


def with_key(address: str, key: str) -> str:
    """Return the address as clients take it that know only a URL."""
    return address.replace("http://", f"http://key:{key}@")


def test_a_key_goes_in_the_url_of_clients_that_know_only_a_url(served: Callable[..., tuple[str, str]]) -> None:
    address, key = served("run")
    base = with_key(address, key)
    assert httpx.get(f"{base}/v1/ping").json() == "pong"
    ran = httpx.post(f"{base}/run_code", json={"code": "print(input()[::-1])", "language": "python", "stdin": "abc"})
    assert (ran.json()["status"], ran.json()["run_result"]["stdout"]) == ("Success", "cba\n")
    scored = httpx.post(
        f"{base}/reward/score", json={"prompts": ["p"], "query": [f"p{RIGHT}"], "labels": ["reverse_string"]}
    )
    assert scored.json()["rewards"] == [1.0]
    played = httpx.post(
        f"{base}/get_observation",
        json={"trajectory_ids": ["a"], "actions": [RIGHT], "extra_fields": [{"task": "reverse_string"}]},
    )
    assert played.json()["dones"] == [True]
    assert played.json()["observations"][0]["reward"] == 1.0
    assert httpx.get(f"{base}/health").json() == {"status": "healthy"}


@pytest.mark.parametrize("path", ["/run_code", "/submit", "/reward/score", "/get_observation"])
def test_without_a_key_that_may_run_they_do_nothing(served: Callable[..., tuple[str, str]], path: str) -> None:
    address, key = served("read")
    assert httpx.post(f"{address}{path}", json={}).status_code == 401
    assert httpx.post(f"{with_key(address, key)}{path}", json={}).status_code == 403


def test_nobody_acts_in_an_episode_of_another_key(tmp_path: Path, served: Callable[..., tuple[str, str]]) -> None:
    address, key = served("run")
    database = Database(f"sqlite:///{tmp_path}/deepgym.db")
    other = KeyStore(database).create("other", ["run"])
    database.close()

    def act(key: str, action: str, **more: Any) -> httpx.Response:
        body = {"trajectory_ids": ["1"], "actions": [action], **more}
        return httpx.post(f"{with_key(address, key)}/get_observation", json=body)

    assert act(key, "wrong", extra_fields=[{"task": "reverse_string"}]).json()["dones"] == [False]
    peeked = act(other, "wrong")
    assert peeked.status_code == 422
    assert "trajectory '1' names no task" in peeked.json()["detail"]
    assert act(other, "", finish=[True]).json()["dones"] == [True]
    assert act(key, RIGHT).json()["observations"][0]["reward"] == 1.0


def test_a_program_waits_for_its_key_instead_of_being_refused(served: Callable[..., tuple[str, str]]) -> None:
    address, key = served("run", key_concurrency=1)
    program = {"code": "print(1)", "language": "python"}

    def run(_: int) -> int:
        return httpx.post(f"{with_key(address, key)}/run_code", json=program, timeout=60).status_code

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(run, range(12))) == [200] * 12


def test_they_share_the_room_of_the_others(served: Callable[..., tuple[str, str]]) -> None:
    address, key = served("run", "read", max_queue=1)
    base = with_key(address, key)
    slow = {"code": "import time; time.sleep(3)", "language": "python"}
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(httpx.post, f"{base}/run_code", json=slow, timeout=60)
        while "deepgym_queue 1.0" not in httpx.get(f"{base}/metrics").text:
            assert not first.done()
        refused = httpx.post(f"{base}/run_code", json={"code": "print(1)", "language": "python"}, timeout=60)
    assert refused.status_code == 503
    assert float(refused.headers["retry-after"]) > 0
    assert first.result().json()["run_result"]["status"] == "Finished"


def test_what_one_request_holds_counts_by_the_piece(served: Callable[..., tuple[str, str]]) -> None:
    address, key = served("run", max_queue=2)
    base = with_key(address, key)
    for count, status in ((2, 200), (3, 422)):
        scoring = {"outputs": [RIGHT] * count, "labels": ["reverse_string"] * count}
        acting = {
            "trajectory_ids": [str(number) for number in range(count)],
            "actions": [RIGHT] * count,
            "extra_fields": [{"task": "reverse_string"}] * count,
        }
        scored = httpx.post(f"{base}/reward/score", json=scoring)
        played = httpx.post(f"{base}/get_observation", json=acting)
        assert (scored.status_code, played.status_code) == (status, status)
    assert "more than this server takes at a time" in scored.json()["detail"]


def test_trajectories_of_a_key_are_its_own(served: Callable[..., tuple[str, str]], tmp_path: Path) -> None:
    address, key = served("run", max_sessions=4)
    database = Database(f"sqlite:///{tmp_path}/deepgym.db")
    other = KeyStore(database).create("other", ["run"])
    database.close()

    def act(key: str, action: str, trajectory: str = "0", **more: Any) -> httpx.Response:
        body = {"trajectory_ids": [trajectory], "actions": [action], "extra_fields": [{"task": "debug_fix"}], **more}
        return httpx.post(f"{with_key(address, key)}/get_observation", json=body, timeout=60)

    act(key, "<bash>echo mine > mine.txt</bash>")
    assert "mine.txt" not in act(other, "<bash>ls</bash>").text
    act(other, "", finish=[True])
    assert act(key, "<bash>ls</bash>").json()["observations"][0]["turn"] == 2
    act(key, "<bash>ls</bash>", "1")
    act(key, "<bash>ls</bash>", "2")
    refused = act(key, "<bash>ls</bash>", "3")
    assert (refused.status_code, "of this key" in refused.json()["detail"]) == (503, True)
    assert act(other, "<bash>ls</bash>").status_code == 200


def test_browsers_are_asked_for_a_key_before_the_pages(
    served: Callable[..., tuple[str, str]], tmp_path: Path, engine: DeepGym
) -> None:
    env = EpisodeLogger(gym.make("DeepGym/reverse_string", engine=engine), tmp_path / "runs" / "log.jsonl")
    env.reset(seed=0)
    env.step(RIGHT)
    env.close()
    address, key = served("read", runs=tmp_path / "runs")
    asked = httpx.get(f"{address}/ui/")
    assert (asked.status_code, asked.headers["www-authenticate"].split()[0]) == (401, "Basic")
    assert "reverse_string" not in asked.text
    shown = httpx.get(f"{with_key(address, key)}/ui", follow_redirects=True)
    assert "reverse_string" in shown.text
    assert httpx.get(f"{with_key(address, 'dg_nobody_at_all')}/ui/").status_code == 401


def test_without_runs_there_are_no_pages(served: Callable[..., tuple[str, str]]) -> None:
    address, key = served("read")
    assert httpx.get(f"{with_key(address, key)}/ui/").status_code == 404
