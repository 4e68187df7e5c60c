"""Engines of a test's own: options, nodes that are not there, and what is left when an engine or its driver ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

pytest.importorskip("ray.cluster_utils", reason="run `make test-integrations`")

import ray
from conformance.submissions import TASK
from ray_world import members, wait_for

from deepgym_env import DeepGym
from deepgym_env.errors import ClosedError, ConfigError, SandboxError

pytestmark = pytest.mark.xdist_group("ray")
CODES = [f"def f(n): return 2 * n  # {number}" for number in range(3)]


def test_no_node_means_no_verdict(world, monkeypatch):
    monkeypatch.setenv("DEEPGYM_NODE_RESOURCE", "none_has_it")
    monkeypatch.setenv("DEEPGYM_NODE_WAIT", "1")
    with DeepGym("ray", workers=1) as engine:
        results = engine.run_batch(TASK, CODES, max_parallel=1)
        assert [result.status for result in results] == ["infrastructure_error"] * 3
        assert [result.score for result in results] == [None] * 3
        assert "no node" in results[0].details
        with pytest.raises(SandboxError, match="no node"):
            engine.session()
        assert engine.run_batch(TASK, [""]).results[0].status == "no_code"


def test_the_autoscaler_is_asked_for_a_node_while_there_is_none(world, monkeypatch):
    """Seen where Ray's autoscaler reads it; the wish is withdrawn at the end."""
    monkeypatch.setenv("DEEPGYM_NODE_RESOURCE", "none_has_it")

    def wish():
        return ray.experimental.internal_kv._internal_kv_get("autoscaler_resource_request") or b""

    with DeepGym("ray", workers=1) as engine:
        future = engine.submit(lambda inner: inner.run(TASK, CODES[0]))
        wait_for(lambda: b"none_has_it" in wish())
        future.cancel()
        wait_for(lambda: b"none_has_it" not in wish())
        engine.submit(lambda inner: inner.run(TASK, CODES[0]))
        wait_for(lambda: b"none_has_it" in wish())
    assert b"none_has_it" not in wish()


def test_a_node_is_chosen_by_its_resource_and_a_large_one_has_several_actors(world, monkeypatch):
    node = world.grow(cpus=2, special=1)
    monkeypatch.setenv("DEEPGYM_NODE_RESOURCE", "special")
    try:
        with DeepGym("ray", workers=9) as engine:
            assert engine.run(TASK, CODES[0]).passed
            wait_for(lambda: len(members(engine)) == 2)
            found = sorted((member.node, member.workers) for member in members(engine))
            assert found == [(node.node_id, 4), (node.node_id, 5)]
    finally:
        world.cut_power(node)


def test_a_lost_submission_without_retries_has_no_verdict(world):
    with DeepGym("ray", workers=1, retries=0) as engine:
        engine.isolation()
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
        assert engine.run(TASK, CODES[0]).passed
        sandboxes = {pid: at for node in world.nodes for pid, at in below(node, processes).items() if is_sandbox(pid)}
        assert sandboxes
    assert processes.survivors(sandboxes) == []
    with pytest.raises(ClosedError):
        engine.run(TASK, CODES[0])


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
