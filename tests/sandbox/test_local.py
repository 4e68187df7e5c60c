"""Runners on this machine: what they report, and that they neither get lost nor outlive their owner."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from deepgym_env import AsyncDeepGym, DeepGym, load_environment
from deepgym_env.errors import SandboxError
from deepgym_env.sandbox import Isolation, LocalBackend, Runner
from deepgym_env.sandbox.bundle import package_folders
from deepgym_env.sandbox.isolation import LEVELS

ECHO = "def f(x): return x"
SLOW = "import time\ndef f(x):\n    time.sleep(0.4)\n    return x"


def family(processes, engine):
    """Return the pids of the engine's one supervisor and its zygote."""
    backend_children = processes.below(os.getpid())
    engine.isolation()
    new = {pid: start for pid, start in processes.below(os.getpid()).items() if pid not in backend_children}
    supervisors = [pid for pid in new if processes.stat(pid)[0] == os.getpid()]
    zygotes = [pid for pid in new if processes.stat(pid)[0] in supervisors]
    assert (len(supervisors), len(zygotes)) == (1, 1)
    return supervisors[0], zygotes[0]


@pytest.fixture
def own_engine():
    with DeepGym(workers=1, retries=2) as dg:
        yield dg


def test_isolation_is_reported_layer_by_layer(engine):
    isolation = engine.isolation()
    assert isinstance(isolation, Isolation)
    names = [layer.name for layer in isolation.layers]
    assert names == ["namespaces", "seccomp", "landlock", "rlimits", "cgroup"]
    for layer in isolation.layers:
        assert layer.purpose
        assert layer.remedy
        assert layer.active == (not layer.reason)
    assert isolation.python == sys.version.split()[0]
    assert isolation.missing_modules == ()
    assert isolation.level in LEVELS


@pytest.mark.parametrize(
    ("layers", "level"),
    [
        (("namespaces", "seccomp", "landlock"), "full"),
        (("namespaces", "seccomp"), "full"),
        (("seccomp", "landlock"), "process"),
        (("namespaces", "landlock"), "none"),
        (("seccomp",), "none"),
        ((), "none"),
    ],
)
def test_a_layer_left_out_is_reported_and_lowers_the_level(layers, level, make_task, engine):
    if not set(layers) <= {layer.name for layer in engine.isolation().layers if layer.active}:
        pytest.skip("this machine doesn't offer the layer")
    task = make_task(((5,), 5))
    with DeepGym(workers=1, min_isolation="none", backend=LocalBackend(layers=layers)) as dg:
        isolation = dg.isolation()
        active = {layer.name for layer in isolation.layers if layer.active}
        assert dg.run(task, ECHO).passed
    assert active == {*layers, "rlimits"}
    assert isolation.level == level
    assert [isolation.at_least(wanted) for wanted in LEVELS] == [LEVELS.index(level) >= n for n in range(3)]


@pytest.mark.parametrize("victim", ["supervisor", "zygote"])
def test_a_killed_runner_is_replaced(own_engine, processes, make_task, victim):
    supervisor, zygote = family(processes, own_engine)
    task = make_task(((5,), 5))
    before = own_engine.run(task, ECHO)
    os.kill(supervisor if victim == "supervisor" else zygote, signal.SIGKILL)
    assert own_engine.run(task, ECHO) == before
    assert before.passed


@pytest.mark.parametrize("victim", ["supervisor", "zygote"])
def test_a_submission_whose_runner_dies_is_submitted_again(processes, make_task, victim):
    task = make_task(((5,), 5), limits={"wall_seconds": 30})
    with DeepGym(workers=1, retries=2) as dg:
        supervisor, zygote = family(processes, dg)
        pid = supervisor if victim == "supervisor" else zygote
        idle = processes.below(supervisor)  # what runs besides a submission, however many processes that is

        def kill_once_a_child_runs():
            while processes.below(supervisor).keys() <= idle.keys():
                time.sleep(0.005)
            os.kill(pid, signal.SIGKILL)

        async def both():
            killed = asyncio.to_thread(kill_once_a_child_runs)
            result, _ = await asyncio.gather(asyncio.to_thread(dg.run, task, SLOW), killed)
            return result

        result = asyncio.run(both())
    assert result.passed
    assert result.timing.attempts == 2


def test_a_runner_that_dies_every_time_is_an_infrastructure_error(make_task):
    backend = LocalBackend(python="/bin/false")
    with DeepGym(workers=1, retries=1, backend=backend) as dg:
        result = dg.run(make_task(((5,), 5)), ECHO)
    assert result.status == "infrastructure_error"
    assert not result.has_verdict
    assert result.score is None
    assert result.timing.attempts == 2


def test_an_interpreter_that_does_not_exist_is_named(make_task):
    backend = LocalBackend(python="/no/such/python")
    with DeepGym(workers=1, backend=backend) as dg:
        result = dg.run(make_task(((5,), 5)), ECHO)
        assert result.status == "infrastructure_error"
        assert "/no/such/python" in result.details
        with pytest.raises(SandboxError, match="/no/such/python"):
            dg.isolation()


def test_a_missing_module_is_reported_and_does_no_harm(make_task):
    with DeepGym(workers=1, backend=LocalBackend(preload=("math", "no_such_module"))) as dg:
        missing = dg.isolation().missing_modules
        assert dg.run(make_task(((5,), 5)), ECHO).passed
    assert len(missing) == 1
    assert missing[0].startswith("no_such_module: ")


def test_a_package_can_be_imported_inside(engine, make_task):
    task = make_task((([3, 1, 2],), [1, 2, 3]))
    assert engine.run(task, "import numpy\ndef f(x): return numpy.sort(x).tolist()").passed


def test_a_package_not_named_can_not(make_task):
    task = make_task((([3, 1, 2],), [1, 2, 3]))
    with DeepGym(workers=1, backend=LocalBackend(packages=())) as dg:
        result = dg.run(task, "import numpy\ndef f(x): return numpy.sort(x).tolist()")
    assert result.status == "exception"
    assert "numpy" in result.details


def test_closing_ends_every_process(processes, make_task):
    with DeepGym(workers=2) as dg:
        before = processes.below(os.getpid())
        dg.run_batch(make_task(((5,), 5)), [ECHO, SLOW])
        started = {p: start for p, start in processes.below(os.getpid()).items() if p not in before}
        assert len(started) >= 2
    assert processes.survivors(started) == []


OWNER = """
import sys, deepgym_env
dg = deepgym_env.DeepGym(workers=2)
task = deepgym_env.load_environment("fizzbuzz")
dg.run_batch(task, [task.reference, "def fizzbuzz(n): return []", "def fizzbuzz(n): return [1]"])
print("running", flush=True)
dg.run(task, "import time\\ntime.sleep(600)")
"""


def test_runners_do_not_outlive_a_killed_engine(processes):
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE) as owner:
        try:
            assert owner.stdout.readline() == b"running\n"
            started = processes.below(owner.pid)
            assert len(started) >= 2
        finally:
            owner.kill()
    assert processes.survivors(started) == []


def test_a_runner_is_closed_when_its_start_is_cancelled(processes):
    async def give_up():
        before = processes.below(os.getpid())
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(Runner.start(LocalBackend()), 0.03)
        await asyncio.sleep(0)
        return {p: start for p, start in processes.below(os.getpid()).items() if p not in before}

    started = asyncio.run(give_up())
    assert processes.survivors(started, 10) == []


def test_a_job_that_is_cancelled_ends_its_process(processes, make_task):
    task = make_task(((5,), 5), limits={"wall_seconds": 600, "cpu_seconds": 600})

    async def cancelled():
        async with AsyncDeepGym(workers=1) as dg:
            await dg.isolation()
            idle = processes.below(os.getpid())
            running = asyncio.create_task(dg.run(task, "def f(x):\n    while True: pass"))
            while not (child := {p: at for p, at in processes.below(os.getpid()).items() if p not in idle}):
                await asyncio.sleep(0.01)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            left = await asyncio.to_thread(processes.survivors, child)
            return left, (await dg.run(task, ECHO)).passed

    assert asyncio.run(cancelled()) == ([], True)


def test_a_built_in_task_runs_on_every_runner():
    task = load_environment("reverse_string")
    with DeepGym(workers=2) as dg:
        results = dg.run_batch(task, [f"{task.reference}\n# {n}" for n in range(8)])
    assert [result.passed for result in results] == [True] * 8


def test_a_package_is_shown_with_its_metadata(tmp_path, monkeypatch, make_task):
    """It is found by listing the folder of packages, which Landlock forbids; where suites run it isn't used."""
    (tmp_path / "Shown_Package-2.5.dist-info").mkdir()
    (tmp_path / "Shown_Package-2.5.dist-info" / "METADATA").write_text("Name: Shown_Package\nVersion: 2.5\n")
    (tmp_path / "shown_package_more-9.dist-info").mkdir()
    (tmp_path / "shown_package.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    code = "import importlib.metadata\ndef f(x): return importlib.metadata.version('shown_package')"
    backend = LocalBackend(packages=("shown_package",), layers=("namespaces", "seccomp"))
    with DeepGym(workers=1, backend=backend) as dg:
        assert dg.run(make_task(((1,), "2.5")), code).passed
    assert [path.rpartition("/")[2] for path in package_folders("shown_package")] == [
        "shown_package.py",
        "Shown_Package-2.5.dist-info",
    ]


def test_a_package_may_write_while_it_is_imported_ahead(tmp_path, monkeypatch, make_task):
    """As matplotlib does; what it writes is in no submission's sight."""
    (tmp_path / "writing_package.py").write_text("import tempfile\nPLACE = tempfile.mkdtemp()")
    monkeypatch.syspath_prepend(str(tmp_path))
    code = "import os, writing_package as w\ndef f(x): return w.PLACE[:5], os.path.exists(w.PLACE), os.listdir('/tmp')"
    with DeepGym(workers=1, min_isolation="full", backend=LocalBackend(packages=("writing_package",))) as dg:
        assert dg.run(make_task(((1,), ("/tmp/", False, []))), code).passed


def test_a_package_below_tmp_is_shown_all_the_same(tmp_path, monkeypatch, make_task):
    """The sandbox has a /tmp of its own: what is shown from there lies elsewhere inside."""
    (tmp_path / "shown_package").mkdir()
    (tmp_path / "shown_package" / "__init__.py").write_text("ANSWER = 42")
    monkeypatch.syspath_prepend(str(tmp_path))
    code = "import shown_package\ndef f(x):\n    open('/tmp/own', 'w').close()\n    return shown_package.ANSWER"
    with DeepGym(workers=1, min_isolation="full", backend=LocalBackend(packages=("shown_package",))) as dg:
        assert dg.run(make_task(((1,), 42)), code).passed


def test_a_runner_nobody_waits_for_any_more_is_ended_once_it_has_started():
    begun, may_start, started = threading.Event(), threading.Event(), []

    class Slow(LocalBackend):
        def start(self):
            begun.set()
            may_start.wait(60)
            started.append(super().start())
            return started[0]

    async def cancel_in_the_middle():
        starting = asyncio.create_task(Runner.start(Slow()))
        await asyncio.to_thread(begun.wait)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        may_start.set()

    asyncio.run(cancel_in_the_middle())  # waits for its threads
    assert started[0].process.returncode is not None
    assert started[0].errors.closed
