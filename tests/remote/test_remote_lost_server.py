"""Servers that are killed, and come back: no verdict is lost, and none is made up."""

from __future__ import annotations

import threading

import gymnasium as gym
import numpy as np
import pytest
from odd_server import OddServer, passed_on, problem
from real_server import ServerProcess

from deepgym_env import DeepGym, Program, RewardFunction
from deepgym_env.errors import RemoteError

CODES = [f"import time\ntime.sleep(0.1)\ndef f(x): return {n}" for n in range(12)]


@pytest.fixture(scope="module")
def task(make_task):
    return make_task(*(((0,), n) for n in range(12)))


def test_what_a_killed_server_was_to_judge_has_no_verdict(task, tmp_path):
    with ServerProcess(tmp_path) as server, DeepGym("remote", url=server.url, retries=0) as dg:
        batch = dg.run_batch(task, CODES, progress=lambda done, _: server.kill() if done == 2 else None)
    judged = [result for result in batch if result.has_verdict]
    lost = [result for result in batch if not result.has_verdict]
    assert judged
    assert lost
    assert all(result.score == pytest.approx(1 / 12) for result in judged)
    for result in lost:
        assert (result.status, result.score, result.passed) == ("infrastructure_error", None, False)
        assert f"{server.url} can't be reached" in result.details
        assert [case.status for case in result.cases] == ["not_run"] * 12
    assert np.isnan(batch.scores).sum() == len(lost)


def test_a_batch_goes_on_once_the_server_is_back(task, own, tmp_path):
    back: list[ServerProcess] = []

    def restart():
        server.kill()
        back.append(ServerProcess(tmp_path, port=server.port))

    def progress(done, _):
        if done == 2:
            threads.append(threading.Thread(target=restart))
            threads[0].start()

    threads: list[threading.Thread] = []
    with ServerProcess(tmp_path) as server, DeepGym("remote", url=server.url) as dg:
        batch = dg.run_batch(task, CODES, progress=progress)
    threads[0].join()
    with back[0]:
        assert batch == own.run_batch(task, CODES)


def test_an_episode_is_cut_off_or_goes_on_in_a_new_sandbox(tmp_path):
    write = {"name": "bash", "arguments": {"command": "echo kept > note.txt; cd tests"}}
    read = {"name": "bash", "arguments": {"command": "pwd; cat ../note.txt"}}
    with (
        ServerProcess(tmp_path) as server,
        DeepGym("remote", url=server.url, retries=0) as dg,
        gym.make("DeepGym/debug_fix", engine=dg) as env,
    ):
        env.reset(seed=0)
        env.step(write)
        server.kill()
        with ServerProcess(tmp_path, port=server.port):
            observation, *_, info = env.step(read)
            assert "kept" in observation
            assert info["has_verdict"]
        _, reward, terminated, truncated, info = env.step(read)
        assert not reward.any()
        assert (terminated, truncated, info["has_verdict"]) == (False, True, False)


def test_a_server_that_never_was_gives_no_verdict(task):
    with OddServer(problem(500, "")) as server:
        url = server.url  # of a port that is free from now on
    with DeepGym("remote", url=url, retries=0) as dg:
        batch = dg.run_batch(task, CODES)
        assert {result.status for result in batch} == {"infrastructure_error"}
        assert all(url in result.details for result in batch)
        (ran,) = dg.execute_many(Program(language="bash", code="ls"), [b""])
        assert (ran.status, ran.has_verdict) == ("infrastructure_error", False)
        assert url in ran.details
        for ask in (dg.isolation, dg.languages, dg.session):
            with pytest.raises(RemoteError, match="can't be reached"):
                ask()
        rewards = RewardFunction("fizzbuzz", engine=dg)
        assert rewards(["def fizzbuzz(n): return []"]) == [None]


def test_only_the_submission_a_server_fails_at_has_no_verdict(served, task, own):
    def fails_at_one(method, path, body):
        return problem(500, "it was us") if "range(7)" in str(body) else passed_on(served.url, method, path, body)

    codes = [f"def f(x):\n    for n in range({n}): pass\n    return {n}" for n in range(12)]
    with OddServer(fails_at_one) as server, DeepGym("remote", url=server.url) as dg:
        batch = dg.run_batch(task, codes)
    right = own.run_batch(task, codes)
    assert [number for number, result in enumerate(batch) if not result.has_verdict] == [7]
    assert batch[7].details == f"{server.url} failed: it was us"
    assert [result for result in batch if result.has_verdict] == [*right.results[:7], *right.results[8:]]


def test_a_server_that_fails_at_everything_gives_no_verdict(task):
    with OddServer(problem(500, "it was us")) as server, DeepGym("remote", url=server.url) as dg:
        assert {result.details for result in dg.run_batch(task, CODES)} == {f"{server.url} failed: it was us"}
