"""What a server has that engines have no method for: lists, jobs, episodes, audits."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from real_server import serving

from deepgym_env import load_environment, task_ids
from deepgym_env.errors import (
    ClosedError,
    ConfigError,
    RefusedError,
    RemoteAccessError,
    UnknownSessionError,
    UnknownTaskError,
)
from deepgym_env.remote import Client

CODES = [f"def f(x): return {n}" for n in range(6)]


@pytest.fixture(scope="module")
def client(served):
    with Client(served.url) as client:
        yield client


@pytest.fixture(scope="module")
def task(make_task):
    return make_task(*(((0,), n) for n in range(6)))


def bash(command):
    return {"name": "bash", "arguments": {"command": command}}


# ── lists ─────────────────────────────────────────────────────────────────────────────────


def test_the_tasks_there_are(client):
    assert {each.id for each in client.environments(limit=7)} >= set(task_ids())
    hard = list(client.environments(difficulty="hard", tag=["graphs"]))
    assert all(each.difficulty == "hard" for each in hard)
    with pytest.raises(ConfigError, match="after"):
        list(client.environments(after="nowhere"))


def test_what_is_told_of_a_task(client):
    told, task = client.environment("first_bad_version", seed=2), load_environment("first_bad_version", 2)
    assert (told.id, told.seed, told.prompt, told.tests) == (task.id, 2, task.prompt, len(task.tests))
    with pytest.raises(UnknownTaskError, match="did you mean 'fizzbuzz'"):
        client.environment("fizbuzz")


# ── jobs ──────────────────────────────────────────────────────────────────────────────────


def test_a_job(client, own, task):
    right = load_environment("fizzbuzz", seed=3)
    work = [*((task, code) for code in CODES), (right, right.reference), ("two_sum", "x = 1")]
    job = client.submit(work, name="mine")
    results = list(job.results())
    assert results == own.run_many(work)
    done = job.status()
    assert (done.name, done.status, done.total, done.done, done.without_verdict) == ("mine", "succeeded", 8, 8, 0)
    again = client.job(job.id)
    assert list(again.wait()) == results
    assert repr(again) == repr(job)
    assert job.id in [each.id for each in client.jobs()]


def test_a_job_that_is_cancelled(client, make_task):
    task = make_task(((0,), 0), limits={"wall_seconds": 600})
    job = client.submit([(task, f"import time\ntime.sleep(600 + {n})") for n in range(3)])
    assert job.cancel().status == "cancelled"
    assert [result.score for result in job.results()] == [None, None, None]


def test_verdicts_of_a_cancelled_job_are_those_of_their_submissions(client, make_task):
    task = make_task(((0,), 0), limits={"wall_seconds": 600})
    slow = "import time\ntime.sleep(600)"
    job = client.submit([(task, slow), (task, "def f(x): return x"), (task, slow), (task, slow + "\n")])
    while not job.status().done:
        time.sleep(0.05)
    job.cancel()
    results = job.wait().results
    assert [(result.has_verdict, result.score) for result in results] == [
        (False, None),
        (True, 1.0),
        (False, None),
        (False, None),
    ]
    assert "cancelled before" in results[0].details


def test_a_job_there_is_not(client):
    for ask in (client.job("none").status, client.job("none").cancel, client.job("none").wait):
        with pytest.raises(ConfigError, match="no job 'none'"):
            ask()


# ── episodes ──────────────────────────────────────────────────────────────────────────────


def test_an_episode(client):
    with client.start("debug_fix", seed=1, max_turns=5) as episode:
        assert episode.observation.startswith(load_environment("debug_fix", 1).prompt)
        assert "bash" in str(episode.tools)
        assert episode.step(bash("echo one > a; cat a")).observation.strip().startswith("one")
        kept = episode.snapshot()
        episode.step(bash("echo two > a"))
        with episode.fork() as other:
            assert "two" in other.step(bash("cat a")).observation
        assert episode.restore(kept).turn == 1
        answer = episode.step("<bash>cat a</bash>")
        assert "one" in answer.observation
        assert len(answer.reward) == len(load_environment("debug_fix", 1).tests)
        assert episode.state().turn == 2
        assert episode.reset(seed=2).seed == 2
        assert "No such file" in episode.step(bash("cat a")).observation
        with pytest.raises(RefusedError):
            episode.restore("none")
    with pytest.raises(UnknownSessionError):
        episode.state()
    episode.close()


def test_an_episode_that_is_over_takes_no_step(client):
    with client.start("fizzbuzz") as episode:
        answer = episode.step(load_environment("fizzbuzz").reference)
        assert (answer.terminated, answer.score) == (True, 1.0)
        with pytest.raises(ClosedError):
            episode.step("more")


def test_an_episode_of_a_task_the_server_has_not(client, task):
    with client.start(task) as episode:
        assert episode.step("def f(x): return 3").reward == [0, 0, 0, 1, 0, 0]


# ── audits, keys, the end ─────────────────────────────────────────────────────────────────


def test_an_audit(client, task):
    report = client.audit(task, strategies=["exit"])
    assert (report["target"], report["is_robust"]) == ("toy", True)


def test_a_key_without_the_scope_is_refused(own, tmp_path):
    with serving(own, tmp_path, keys_required=True) as server:
        key = server.services.keys.create("reader", ["read"])
        with Client(server.url, key) as client:
            assert client.environment("fizzbuzz").id == "fizzbuzz"
            with pytest.raises(RemoteAccessError, match="run"):
                client.submit([("fizzbuzz", "x")])
            assert key not in repr(client)


def test_a_closed_client_says_so(served):
    client = Client(served.url)
    assert client.environment("fizzbuzz").id == "fizzbuzz"
    client.close()
    client.close()
    with pytest.raises(ClosedError, match="make a new one"):
        client.environment("fizzbuzz")


def test_a_client_works_in_a_forked_process_too(served):
    with Client(served.url) as client:
        before = client.environment("fizzbuzz")
        child = os.fork()  # as a data loader does
        if child == 0:
            os._exit(0 if client.environment("fizzbuzz") == before else 1)
        try:
            deadline = time.monotonic() + 60
            while (ended := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < deadline:
                time.sleep(0.05)
        finally:
            if ended[0] == 0:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        assert ended == (child, 0)
        assert client.environment("fizzbuzz") == before


def test_a_program_ends_at_ctrl_c_under_a_request():
    code = "import sys\nfrom deepgym_env.remote import Client\nClient(sys.argv[1]).environment('x')"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        program = subprocess.Popen([sys.executable, "-c", code, url], stderr=subprocess.PIPE, text=True)
        try:
            asking, _ = silent.accept()
            with asking:
                asking.recv(1)
                program.send_signal(signal.SIGINT)
                said = program.communicate(timeout=60)[1]
        finally:
            program.kill()
            program.wait()
    assert said.rstrip().endswith("KeyboardInterrupt")


def test_a_wrong_option_is_named():
    with pytest.raises(ConfigError, match="retries"):
        Client("http://localhost", retries=-1)
    with pytest.raises(ConfigError, match="url"):
        Client("localhost")
