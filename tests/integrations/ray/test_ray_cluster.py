"""A cluster judges as this machine does, and loses nothing when a node is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import ray
from conformance.submissions import SUBMISSIONS, TASK
from ray_world import members, wait_for

from deepgym_env import DeepGym, load_task
from deepgym_env.errors import ClosedError, ConfigError, SandboxError
from deepgym_env.programs import Program

pytestmark = pytest.mark.xdist_group("ray")


def codes(number):
    """Different codes of three kinds, by turns: right, wrong in some tests, raising."""
    kinds = ("2 * n", "2 * n if n < 2 else 0", "1 // 0")
    return [f"def f(n): return {kinds[index % 3]}  # {index}" for index in range(number)]


def test_verdicts_are_the_same_as_here(dg, engine):
    submissions = [each for each in SUBMISSIONS if getattr(each, "task", None) in (None, TASK)]
    here = engine.run_batch(TASK, [each.code for each in submissions])
    there = dg.run_batch(TASK, [each.code for each in submissions])
    assert there.results == here.results
    assert [result.status for result in there] == [each.expected for each in submissions]


def test_tasks_of_all_kinds_travel(dg):
    names = ("coin_change", "reverse_string", "two_sum")
    tasks = [load_task(name) for name in names]
    results = dg.run_many([(task, task.reference) for task in tasks] + [(task, "nonsense") for task in tasks])
    assert [result.passed for result in results] == [True] * 3 + [False] * 3


def test_all_nodes_work(dg):
    dg.run_batch(TASK, codes(60))
    pids = {ray.get(member.actor.__ray_call__.remote(lambda _: os.getpid())) for member in members(dg)}
    assert len(pids) == 2


def test_progress_is_told_and_max_parallel_kept(dg):
    told = []
    dg.run_batch(TASK, codes(20), max_parallel=1, progress=lambda done, total: told.append((done, total)))
    assert told == [(number, 20) for number in range(1, 21)]


def test_programs_run_on_the_cluster(dg):
    results = dg.execute_many(
        Program(language="bash", code="read n; echo $((2 * n))"), [b"%d\n" % n for n in range(40)]
    )
    assert [result.stdout for result in results] == [f"{2 * n}\n" for n in range(40)]
    assert dg.languages()["python"]


def test_a_power_cut_in_the_middle_loses_nothing(world, dg, engine, processes):
    """5,000 runs; at the thousandth a node is killed, with everything on it."""
    kinds = engine.run_batch(TASK, codes(3)).results
    node = world.grow()
    wait_for(lambda: len(members(dg)) == 3)
    done = threading.Event()
    ended = []

    def cut():
        done.wait()
        ended.append(world.cut_power(node))

    cutting = threading.Thread(target=cut)
    cutting.start()
    seen = []

    def progress(number, total):
        seen.append(number)
        if number == 1000:
            done.set()

    work = codes(5000)
    results = dg.run_batch(TASK, work, progress=progress).results
    cutting.join()
    assert seen == list(range(1, 5001))
    assert all(result == kinds[index % 3] for index, result in enumerate(results))
    assert processes.survivors(ended[0]) == []
    wait_for(lambda: len(members(dg)) == 2)


def test_an_actor_that_is_killed_is_replaced(dg, engine):
    kinds = engine.run_batch(TASK, codes(3)).results
    before = {member.actor for member in members(dg)}
    victim = next(iter(before))
    pid = ray.get(victim.__ray_call__.remote(lambda _: os.getpid()))
    killing = threading.Timer(0.5, os.kill, [pid, signal.SIGKILL])
    killing.start()
    results = dg.run_batch(TASK, codes(300)).results
    assert all(result == kinds[index % 3] for index, result in enumerate(results))
    killing.join()
    wait_for(lambda: len({member.actor for member in members(dg)} - before) == 1)


def test_a_node_that_joins_in_the_middle_is_used(world, dg):
    work = [f"import time\ndef f(n):\n    time.sleep(0.05)\n    return 2 * n  # {index}" for index in range(2000)]
    future = dg.submit(lambda inner: inner.run_batch(TASK, work))
    node = world.grow()
    wait_for(lambda: len(members(dg)) == 3 or future.done())
    assert not future.done()
    (new,) = [member for member in members(dg) if member.id == node.node_id]

    async def under_way(inner):
        return inner.executor._dispatcher._schedule.under_way(new)

    wait_for(lambda: dg.call(under_way) > 0)
    future.cancel()
    wait_for(lambda: dg.call(under_way) == 0)
    world.cut_power(node)
    wait_for(lambda: len(members(dg)) == 2)


def test_no_node_means_no_verdict(world, monkeypatch):
    monkeypatch.setenv("DEEPGYM_NODE_RESOURCE", "none_has_it")
    monkeypatch.setenv("DEEPGYM_NODE_WAIT", "1")
    with DeepGym("ray", workers=1) as engine:
        results = engine.run_batch(TASK, codes(3), max_parallel=1)
        assert [result.status for result in results] == ["infrastructure_error"] * 3
        assert [result.score for result in results] == [None] * 3
        assert "no node" in results[0].details
        with pytest.raises(SandboxError, match="no node"):
            engine.session()
        assert engine.run_batch(TASK, [""]).results[0].status == "no_code"


def test_a_node_is_chosen_by_its_resource(world, monkeypatch):
    node = world.grow(special=1)
    monkeypatch.setenv("DEEPGYM_NODE_RESOURCE", "special")
    with DeepGym("ray", workers=1) as engine:
        assert engine.run(TASK, codes(1)[0]).passed
        assert [member.id for member in members(engine)] == [node.node_id]
        world.cut_power(node)
        monkeypatch.setattr(engine._core._engine.executor._patience, "_seconds", 1.0)
        assert not engine.run(TASK, codes(1)[0]).has_verdict


def test_a_lost_submission_without_retries_has_no_verdict(dg, world):
    with DeepGym("ray", workers=1, retries=0) as engine:
        wait_for(lambda: engine.isolation().level == "full", 90)
        future = engine.submit(
            lambda inner: inner.run(TASK, "import time\ndef f(n):\n    time.sleep(1.5)\n    return 2 * n")
        )
        busy = []

        async def under_way(inner):
            schedule = inner.executor._dispatcher._schedule
            return [member for member in inner.executor._nodes.members.values() if schedule.under_way(member)]

        wait_for(lambda: busy.extend(engine.call(under_way)) or busy)
        ray.kill(busy[0].actor)
        assert future.result().status == "infrastructure_error"


DRIVER = """
import sys
from deepgym_env import DeepGym
from conformance.submissions import TASK
with DeepGym("ray", workers=1, url=sys.argv[1]) as dg:
    dg.isolation()
    print("judging", flush=True)
    dg.run_batch(TASK, ["import time\\ndef f(n): time.sleep(1.9)  # %d" % n for n in range(1000)])
"""


def test_sandboxes_of_a_killed_driver_end(world, processes):
    families = lambda: {pid: at for node in world.nodes for pid, at in below(node, processes).items()}  # noqa: E731
    before = families()
    path = os.pathsep.join(sys.path)
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, world.address],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert b"judging" in driver.stdout.readline()
    wait_for(lambda: any(is_sandbox(pid) for pid in families().keys() - before.keys()))
    sandboxes = {pid: at for pid, at in families().items() if pid not in before and is_sandbox(pid)}
    driver.kill()
    driver.wait()
    driver.stdout.close()
    assert processes.survivors(sandboxes, 60) == []


def below(node, processes):
    pids = [info.process.pid for infos in node.all_processes.values() for info in infos]
    return {pid: at for root in pids for pid, at in processes.below(root).items()}


def is_sandbox(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return b"runner.launch" in file.read()
    except OSError:
        return False


def test_a_closed_engine_leaves_nothing(world, processes):
    with DeepGym("ray", workers=1) as engine:
        assert engine.run(TASK, codes(1)[0]).passed
        sandboxes = {pid: at for node in world.nodes for pid, at in below(node, processes).items() if is_sandbox(pid)}
        assert sandboxes
    assert processes.survivors(sandboxes) == []
    with pytest.raises(ClosedError):
        engine.run(TASK, codes(1)[0])


def test_closing_ends_what_is_under_way(world):
    engine = DeepGym("ray", workers=1)
    engine.isolation()
    future = engine.submit(lambda inner: inner.run(TASK, "import time\ndef f(n): time.sleep(1.9)"))
    time.sleep(0.5)
    engine.close()
    with pytest.raises(ClosedError, match="closed while"):
        future.result()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "ray://somewhere:10001"}, "job submit"),
        ({"api_key": "k"}, "api_key"),
        ({"backend": object()}, "backend"),
    ],
)
def test_options_that_do_not_fit_are_refused(world, options, message):
    def use():
        with DeepGym("ray", **options) as engine:
            engine.isolation()

    with pytest.raises(ConfigError, match=message):
        use()


def test_an_unknown_node_mode_is_refused(monkeypatch):
    monkeypatch.setenv("DEEPGYM_NODE_MODE", "remote")
    with pytest.raises(ConfigError, match="DEEPGYM_NODE_MODE"):
        DeepGym("ray")
