"""A cluster judges as this machine does, and loses nothing when a node is lost."""

from __future__ import annotations

import os
import signal
import threading

import pytest

pytest.importorskip("ray.cluster_utils", reason="run `make test-integrations`")

import ray
from conformance.submissions import SUBMISSIONS, TASK
from ray_world import members, wait_for

from deepgym_env import load_task
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
    (new,) = [member for member in members(dg) if member.node == node.node_id]

    async def under_way(inner):
        return inner.executor._dispatcher._schedule.under_way(new)

    wait_for(lambda: dg.call(under_way) > 0)
    future.cancel()
    wait_for(lambda: dg.call(under_way) == 0)
    world.cut_power(node)
    wait_for(lambda: len(members(dg)) == 2)
