"""Runners in Daytona sandboxes: the real SDK, against a local server that really runs what it is asked to."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from deepgym_env import AsyncDeepGym, DeepGym
from deepgym_env.errors import ConfigError, SandboxError
from deepgym_env.sandbox.daytona import DaytonaBackend

ECHO = "def f(x): return x"
SLOW = "import time\ndef f(x):\n    time.sleep(0.4)\n    return x"
HOSTILE = """
import glob, os, signal

def f(x):
    for path in ["/dev/tty", *glob.glob("/dev/pts/*"), *glob.glob("/proc/*/fd/*")]:
        try:
            with open(path, "wb", buffering=0) as file:
                file.write(b"\\x02\\xff\\xff\\xff\\xff")
        except OSError:
            pass
    for descriptor in range(64):
        try:
            os.write(descriptor, b"garbage")
        except OSError:
            pass
    os.kill(-1, signal.SIGKILL)
    return x
"""
OWNER = """
import asyncio, os, sys, time
from deepgym_env import AsyncDeepGym
from deepgym_env.sandbox.daytona import DaytonaBackend

async def main():
    backend = DaytonaBackend(api_key=sys.argv[1], api_url=sys.argv[2])
    async with AsyncDeepGym(workers=1, backend=backend) as dg:
        await dg.isolation()
        child = os.fork()  # as a data loader does; it must not keep anything open
        if child == 0:
            time.sleep(600)
        print(child, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture
def server():
    """A server of the test's own."""
    pytest.importorskip("daytona", reason="Daytona's SDK is not installed: pip install 'deepgym-env[daytona]'")
    daytona_server = __import__("daytona_server")
    with daytona_server.DaytonaServer() as running:
        running.key = daytona_server.KEY
        yield running


@pytest.fixture
def backend(server):
    def make(**options):
        return DaytonaBackend(**{"api_key": server.key, "api_url": server.url, **options})

    return make


def wait_until(condition, what, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def guard_of(server):
    """Return the pid of the process that talks to the server: the sandboxes' owner by their labels."""
    (sandbox,) = server.sandboxes.values()
    return int(sandbox.asked["labels"]["deepgym.owner"].rpartition(" ")[2].partition(":")[0])


def test_submissions_are_judged_as_anywhere(server, backend, make_task):
    task = make_task(((5,), 5), (([1, "ä", None],), [1, "ä", None]))
    with DeepGym(workers=1, retries=0, backend=backend()) as dg:
        assert {layer.name for layer in dg.isolation().layers} >= {"namespaces", "seccomp", "landlock"}
        assert dg.run(task, ECHO).passed
        assert dg.run(task, "def f(x): return 5").score == 0.5
        assert not dg.run(task, HOSTILE).passed
        after = dg.run(task, ECHO)
        assert after.passed
        assert after.timing.attempts == 1
        batch = dg.run_batch(task, [f"{ECHO}  # {number}" for number in range(30)])
        assert all(result.passed for result in batch.results)
        assert len(server.created) == 1
    wait_until(lambda: not server.sandboxes, "the sandbox is left on the server")


def test_the_service_is_asked_for_no_more_than_is_needed(server, backend, make_task):
    with DeepGym(workers=1, backend=backend(lease_minutes=7, labels={"run": "x"}, snapshot="mine")) as dg:
        assert dg.run(make_task(((5,), 5)), ECHO).passed
    wait_until(lambda: not server.sandboxes, "the sandbox is left on the server")
    asked = server.created[0]
    assert asked["networkBlockAll"] is True
    assert (asked["autoStopInterval"], asked["autoDeleteInterval"]) == (7, 0)
    assert asked["snapshot"] == "mine"
    assert asked["labels"].items() >= {"run": "x", "deepgym": "runner"}.items()
    assert set(server.requests) == {
        "GET /api/sandbox",
        "POST /api/sandbox",
        "GET /api/sandbox/{id}",
        "GET /toolbox/{id}/process/pty/create-connect",
        "DELETE /api/sandbox/{id}",
    }


def test_an_image_and_resources_are_asked_for(server, backend):
    handle = backend(image="python:3.12-slim", resources={"cpu": 2, "memory": 4}, os_user="root").start()
    handle.kill()
    asked = server.created[0]
    assert "FROM python:3.12-slim" in asked["buildInfo"]["dockerfileContent"]
    assert (asked["cpu"], asked["memory"], asked["user"]) == (2, 4, "root")
    assert handle.config["store_mb"] == 1024
    wait_until(lambda: not server.sandboxes, "the sandbox is left on the server")


def test_a_session_works_and_large_files_pass_a_slow_network(server, backend):
    data = os.urandom(3 << 20)
    server.delay = 0.002  # a daemon would drop us if more were under way than it holds

    async def work():
        async with AsyncDeepGym(workers=1, retries=0, backend=backend()) as dg, await dg.session() as session:
            await session.write("data", data)
            assert await session.read("data", limit=len(data)) == data
            before = await session.snapshot()
            done = await session.exec("rm data; echo gone > note; cat note")
            assert (done.code, done.stdout) == (0, "gone\n")
            await session.restore(before)
            left, _ = await session.list()
            assert [entry.path for entry in left] == ["data"]

    asyncio.run(work())
    wait_until(lambda: not server.sandboxes, "the sandbox is left on the server")


FLOOD = """
import asyncio, sys
from daytona import AsyncDaytona, DaytonaConfig

async def main():
    async with AsyncDaytona(DaytonaConfig(api_key=sys.argv[1], api_url=sys.argv[2])) as client:
        sandbox = await client.create()
        terminal = await sandbox.process.create_pty_session("one", lambda data: None)
        await terminal.send_input(b"exec cat /dev/zero\\n")
        await terminal.wait()

asyncio.run(main())
"""


def test_the_server_drops_a_client_that_is_too_slow(server):
    """Else the test above would prove nothing."""
    server.delay = 0.02
    subprocess.run([sys.executable, "-c", FLOOD, server.key, server.url], check=True, timeout=60)
    assert server.dropped == 1


def test_a_submission_whose_sandbox_dies_is_submitted_again(server, backend, make_task, processes):
    task = make_task(((5,), 5), limits={"wall_seconds": 30})
    with DeepGym(workers=1, retries=2, backend=backend()) as dg:
        dg.isolation()
        (sandbox,) = server.sandboxes.values()
        shell = sandbox.shells[0].pid
        idle = processes.below(shell)

        def destroy_once_a_child_runs():
            while processes.below(shell).keys() <= idle.keys():
                time.sleep(0.005)
            server.destroy(sandbox)

        async def both():
            destroyed = asyncio.to_thread(destroy_once_a_child_runs)
            result, _ = await asyncio.gather(asyncio.to_thread(dg.run, task, SLOW), destroyed)
            return result

        result = asyncio.run(both())
    assert result.passed
    assert result.timing.attempts == 2
    wait_until(lambda: not server.sandboxes, "a sandbox is left on the server")


def test_what_the_service_refuses_is_explained(server, backend, make_task):
    refused = {"POST /api/sandbox": 500}
    server.answer = refused.get
    with DeepGym(workers=1, retries=1, backend=(failing := backend())) as dg:
        result = dg.run(make_task(((5,), 5)), ECHO)
    assert result.status == "infrastructure_error"
    assert result.score is None
    assert result.timing.attempts == 2
    assert "HTTP 500" in result.details
    assert "try again later" in result.details
    terminal = "GET /toolbox/{id}/process/pty/create-connect"
    for request, status, advice in [
        ("POST /api/sandbox", 403, "HTTP 403.*quota"),
        ("POST /api/sandbox", 404, "HTTP 404.*snapshot"),
        ("POST /api/sandbox", 429, "HTTP 429.*fewer workers"),
        (terminal, 502, "HTTP 502.*try again later"),
    ]:
        refused.clear()
        refused[request] = status
        with pytest.raises(SandboxError, match=advice):
            failing.start()
    wait_until(lambda: not server.sandboxes, "a sandbox is left on the server")


def test_a_service_that_does_not_answer_is_given_up(server, backend):
    server.stalled.add("POST /api/sandbox")
    with pytest.raises(SandboxError, match="start_seconds"):
        backend(start_seconds=1.0).start()


def test_a_sandbox_that_does_not_start_in_time_is_deleted(server, backend):
    server.stuck = True
    with pytest.raises(SandboxError, match="start_seconds"):
        backend(start_seconds=2.0).start()
    assert len(server.created) == 1
    wait_until(lambda: not server.sandboxes, "the sandbox is left on the server")


def test_a_sandbox_we_are_not_told_of_is_deleted(server, backend):
    server.mute.add("POST /api/sandbox")
    with pytest.raises(SandboxError, match="start_seconds"):
        backend(start_seconds=1.0).start()
    assert len(server.created) == 1
    wait_until(lambda: not server.sandboxes, "the sandbox is left on the server")


def test_a_delete_that_fails_is_tried_again(server, backend):
    handle = backend().start()
    refused = []

    def refuse_twice(request):
        if request.startswith("DELETE") and len(refused) < 2:
            refused.append(request)
            return 503
        return None

    server.answer = refuse_twice
    handle.kill()
    wait_until(lambda: not server.sandboxes, "the sandbox is left on the server")
    assert len(refused) == 2


def test_a_wrong_key_is_named(server, backend):
    with pytest.raises(SandboxError, match=r"HTTP 401.*DAYTONA_API_KEY"):
        backend(api_key="wrong").start()


def test_no_key_is_named(server, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # the SDK looks for a key in ./.env as well
    for name in ("DAYTONA_API_KEY", "DAYTONA_JWT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SandboxError, match=r"Set DAYTONA_API_KEY.*dashboard/keys"):
        DaytonaBackend(api_url=server.url).start()


def test_the_environment_names_key_and_service(server, monkeypatch):
    monkeypatch.setenv("DAYTONA_API_KEY", server.key)
    monkeypatch.setenv("DAYTONA_API_URL", server.url)
    monkeypatch.setenv("DAYTONA_TARGET", "eu")
    handle = DaytonaBackend().start()
    handle.kill()
    assert server.created[0]["target"] == "eu"
    wait_until(lambda: not server.sandboxes, "the sandbox is left on the server")


def test_a_service_out_of_reach_is_named(server, backend):
    with pytest.raises(SandboxError, match="DAYTONA_API_URL and the network"):
        backend(api_url="http://127.0.0.1:9/api").start()


def test_an_interpreter_that_is_not_in_the_sandbox_is_named(server, backend):
    with pytest.raises(SandboxError, match="no-such-python"):
        backend(python="no-such-python").start()
    wait_until(lambda: not server.sandboxes, "the sandbox is left on the server")


def test_what_the_runner_last_wrote_is_the_diagnosis(server, backend, monkeypatch):
    broken = backend()
    monkeypatch.setitem(broken._request, "command", ["-c", "raise SystemExit('no room on the disk')"])
    with DeepGym(workers=1, retries=0, backend=broken) as dg, pytest.raises(SandboxError, match="no room on the disk"):
        dg.isolation()
    wait_until(lambda: not server.sandboxes, "the sandbox is left on the server")


def test_sandboxes_go_with_an_owner_that_is_killed(server, processes):
    program = [sys.executable, "-W", "ignore", "-c", OWNER, server.key, server.url]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        child = int(owner.stdout.readline())
        try:
            guard = guard_of(server)
            started = processes.stat(guard)[2]
            owner.kill()
            owner.wait()
            wait_until(lambda: not server.sandboxes, "the sandbox outlived its owner")
            assert processes.survivors({guard: started}) == []
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_lease_is_renewed_while_the_owner_lives(server, backend, monkeypatch):
    renewing = backend()
    monkeypatch.setitem(renewing._request, "renew_seconds", 0.05)
    handle = renewing.start()
    (sandbox,) = server.sandboxes.values()
    sandbox.asked["labels"] = {**sandbox.asked["labels"], "deepgym.lease": "1"}
    wait_until(lambda: sandbox.renewals > 1, "the lease was not renewed")
    wait_until(lambda: int(sandbox.asked["labels"]["deepgym.lease"]) > time.time(), "the label was not renewed")
    handle.kill()
    wait_until(lambda: not server.sandboxes, "the sandbox is left on the server")


def test_what_nobody_could_delete_is_reaped_by_the_next(server, backend):
    lost = backend().start()
    (left,) = server.sandboxes
    os.kill(guard_of(server), signal.SIGKILL)
    lost.stream.settimeout(30)
    with pytest.raises(ConnectionResetError):
        lost.stream.recv(1)
    lost.kill()
    stranger = server.add({"deepgym": "runner", "deepgym.owner": "another-machine 1:1", "deepgym.lease": "99999999999"})
    other = server.add({"somebody": "else"})
    handle = backend().start()
    wait_until(lambda: left not in server.sandboxes, "the sandbox was not reaped")
    assert {stranger, other} < server.sandboxes.keys()
    handle.kill()
    wait_until(lambda: server.sandboxes.keys() == {stranger, other}, "the sandbox is left on the server")


def test_the_process_that_talks_to_daytona_is_started_again(server, backend, make_task):
    with DeepGym(workers=1, retries=1, backend=backend()) as dg:
        dg.isolation()
        os.kill(guard_of(server), signal.SIGKILL)
        result = dg.run(make_task(((5,), 5)), ECHO)
    assert result.passed


def test_a_backend_for_sessions_shares_the_process(server, backend):
    first = backend()
    handles = [first.start(), first.for_sessions().start()]
    owners = {sandbox.asked["labels"]["deepgym.owner"] for sandbox in server.sandboxes.values()}
    assert len(owners) == 1
    assert [handle.config["sessions"] for handle in handles] == [False, True]
    for handle in handles:
        handle.kill()
    wait_until(lambda: not server.sandboxes, "a sandbox is left on the server")


def test_without_the_sdk_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "daytona", None)
    with pytest.raises(SandboxError, match=r"pip install 'deepgym-env\[daytona\]'"):
        DaytonaBackend().start()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"image": "a", "snapshot": "b"}, "not both"),
        ({"resources": {"cpu": 1}}, "image="),
        ({"image": "a", "resources": {"gpus": 1}}, "gpus"),
        ({"lease_minutes": 0}, "lease_minutes"),
    ],
)
def test_options_that_cannot_work_are_refused(options, problem):
    with pytest.raises(ConfigError, match=problem):
        DaytonaBackend(**options)
