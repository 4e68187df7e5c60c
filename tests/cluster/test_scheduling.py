"""Which node judges what: every submission once, none lost, costly ones spread, stragglers twice."""

from __future__ import annotations

import random

import pytest

from deepgym_env import load_task
from deepgym_env.cluster.costs import Costs, prior
from deepgym_env.cluster.scheduling import Item, Schedule


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def schedule(clock):
    return Schedule(retries=2, clock=clock)


def items(number, weight=0.01, task="task"):
    return [Item(task, weight, what=index) for index in range(number)]


def play(schedule, clock, runners, costs, *, die=(), join=()):
    """Let nodes work, one submission per runner at a time; return who settled what, and when all was over."""
    heaps = {node: {} for node in runners}  # item -> when it is done there
    settled, lost = {}, []
    for node in runners.keys() - schedule._places.keys():
        schedule.join(node, runners[node])
    events = sorted([(at, "die", node) for at, node in die] + [(at, "join", node) for at, node in join])
    while schedule.unsettled:
        for node, running in heaps.items():
            for item in schedule.take(node):
                queue = sorted(running.values())[-runners[node] :]
                begins = queue[0] if len(queue) == runners[node] else clock.now
                running[item] = max(begins, clock.now) + costs(item)
        ends = [(at, node, item) for node, running in heaps.items() for item, at in running.items()]
        next_end = min(ends, key=lambda end: end[0], default=(float("inf"), None, None))
        if events and events[0][0] <= next_end[0]:
            clock.now, kind, node = events.pop(0)
            if kind == "join":
                heaps[node] = {}
                schedule.join(node, runners.setdefault(node, 1))
            else:
                del heaps[node]
                lost += schedule.leave(node)
            continue
        assert next_end[1] is not None, f"{schedule.unsettled} submissions wait for nobody"
        clock.now, node, item = next_end
        del heaps[node][item]
        if schedule.settle(node, item, costs(item)):
            assert item not in settled
            settled[item] = node
    return settled, lost


def test_every_submission_is_settled_once(schedule, clock):
    work = items(1000)
    schedule.add(work)
    settled, lost = play(schedule, clock, {"a": 1, "b": 2, "c": 3}, lambda item: 0.01)
    assert set(settled) == set(work)
    assert not lost
    assert schedule.unsettled == 0
    assert schedule.rest == pytest.approx(0, abs=1e-9)


def test_nodes_get_work_by_their_runners(schedule, clock):
    schedule.add(items(3000))
    settled, _ = play(schedule, clock, {"a": 1, "b": 2}, lambda item: 0.01)
    share = list(settled.values()).count("b") / 3000
    assert 0.6 < share < 0.73


def test_shards_are_of_equal_weight_and_not_of_equal_number(schedule):
    schedule.join("a", 1)
    schedule.join("b", 1)
    schedule.add([*items(10, weight=10.0, task="slow"), *items(100, weight=0.1, task="quick")])
    shards = [list(place.shard) for place in schedule._places.values()]
    weights = [sum(item.weight for item in shard) for shard in shards]
    assert sum(map(len, shards)) == 110
    assert max(weights) - min(weights) <= 10.0 + 0.1
    assert len(shards[0]) != len(shards[1])


def test_a_node_takes_only_what_it_can_begin_soon(schedule):
    schedule.join("a", 2)
    schedule.add(items(1000, weight=1.0))
    assert len(schedule.take("a")) == 2
    assert schedule.take("a") == []


def test_what_costs_nothing_is_bounded_by_number(schedule):
    schedule.join("a", 2)
    schedule.add(items(1000, weight=1e-6))
    assert len(schedule.take("a")) == 32


def test_less_is_taken_at_a_time_near_the_end(schedule):
    schedule.join("a", 1)
    schedule.join("b", 1)
    schedule.add(items(60, weight=0.02))
    sizes = []
    while taken := schedule.take("a"):
        sizes.append(len(taken))
        for item in taken:
            schedule.settle("a", item)
    assert sum(sizes) == 60
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 5
    assert sizes[-1] == 1


def test_an_idle_node_steals_from_the_fullest(schedule):
    schedule.join("a", 1)
    schedule.add(items(40, weight=1.0))
    schedule.join("b", 1)
    (stolen,) = schedule.take("b")
    assert stolen.what == 20  # the half from the end of the other's shard
    assert [len(place.shard) for place in schedule._places.values()] == [20, 19]


def test_a_node_that_joins_late_shares_the_work(schedule, clock):
    schedule.add(items(2000))
    settled, _ = play(schedule, clock, {"a": 1}, lambda item: 0.01, join=[(4.0, "late")])
    assert 500 < list(settled.values()).count("late") < 1000


def test_stealing_evens_out_what_was_thought_wrong(schedule, clock):
    """All the slow ones in one shard, thought to be quick: nobody is idle while there is something to do."""
    work = items(400)
    schedule.join("a", 1)
    schedule.add(work[:200])  # all of them a's
    schedule.join("b", 1)
    schedule.add(work[200:])
    play(schedule, clock, {"a": 1, "b": 1}, lambda item: 0.1 if item.what < 200 else 0.001)
    assert clock.now < 1.1 * (200 * 0.1 + 200 * 0.001) / 2


def test_what_a_lost_node_had_goes_to_others(schedule, clock):
    work = items(500)
    schedule.add(work)
    settled, lost = play(schedule, clock, {"a": 1, "b": 1, "c": 1}, lambda item: 0.01, die=[(0.7, "b"), (1.0, "c")])
    assert set(settled) == set(work)
    assert not lost


def test_what_is_lost_with_every_node_is_given_up(schedule):
    schedule.add(items(1))
    for node in ("a", "b"):
        schedule.join(node, 1)
        (item,) = schedule.take(node)
        assert schedule.leave(node) == []
    schedule.join("c", 1)
    assert schedule.take("c") == [item]
    assert schedule.leave("c") == [item]
    assert schedule.unsettled == 0


def test_a_failure_is_tried_on_another_node(schedule):
    schedule.join("broken", 1)
    schedule.join("sound", 1)
    schedule.add(items(1))
    taken = schedule.take("broken")
    assert schedule.failed("broken", taken[0])
    assert schedule.take("broken") == []
    assert schedule.take("sound") == taken


def test_a_failure_on_all_nodes_is_final(schedule):
    schedule.join("a", 1)
    schedule.join("b", 1)
    schedule.add(items(1))
    (item,) = schedule.take("a")
    assert schedule.failed("a", item)
    (item,) = schedule.take("b")
    assert not schedule.failed("b", item)
    assert schedule.unsettled == 0


def test_a_node_that_fails_again_and_again_gets_one_at_a_time(schedule):
    schedule.join("broken", 4)
    schedule.join("sound", 4)
    schedule.add(items(100))
    for item in schedule.take("broken"):
        schedule.failed("broken", item)
    assert len(schedule.take("broken")) == 1
    assert len(schedule.take("sound")) > 1


def test_a_verdict_restores_trust(schedule):
    schedule.join("shaky", 4)
    schedule.join("sound", 4)
    schedule.add(items(100))
    for item in schedule.take("shaky"):
        schedule.failed("shaky", item)
    (item,) = schedule.take("shaky")
    schedule.settle("shaky", item)
    assert len(schedule.take("shaky")) > 1


def test_a_straggler_is_begun_twice_and_its_first_result_counts(schedule, clock):
    schedule.join("slow", 1)
    schedule.add(items(1))
    (item,) = schedule.take("slow")
    schedule.join("idle", 1)
    assert schedule.take("idle") == []
    clock.now = 6.0
    assert schedule.take("idle") == [item]
    assert schedule.settle("idle", item)
    assert not schedule.settle("slow", item)
    assert schedule.unsettled == 0


def test_a_straggler_is_begun_no_third_time(schedule, clock):
    for node in ("a", "b", "c"):
        schedule.join(node, 1)
    schedule.add(items(1))
    schedule.take("a")
    clock.now = 6.0
    assert len(schedule.take("b")) == 1
    clock.now = 60.0
    assert schedule.take("c") == []


def test_what_runs_twice_is_not_lost_with_one_of_its_nodes(schedule, clock):
    schedule.join("a", 1)
    schedule.join("b", 1)
    schedule.add(items(1))
    (item,) = schedule.take("a")
    clock.now = 6.0
    schedule.take("b")
    assert schedule.leave("a") == []
    assert schedule.take("b") == []
    assert schedule.settle("b", item)


def test_what_is_withdrawn_is_not_judged(schedule):
    schedule.join("a", 1)
    work = items(10)
    schedule.add(work)
    taken = schedule.take("a")
    assert schedule.withdraw(work) == {"a": taken}
    assert schedule.take("a") == []
    assert (schedule.unsettled, schedule.under_way("a")) == (0, 0)
    assert not schedule.settle("a", taken[0])


def test_work_waits_for_a_first_node(schedule):
    work = items(5)
    schedule.add(work)
    assert schedule.unsettled == 5
    schedule.join("a", 1)
    assert set(schedule.take("a")) <= set(work)


def test_costs_are_learnt_by_task_and_scale_the_rest():
    costs = Costs()
    for _ in range(100):
        costs.learn("slow", 0.1, 2.0)
    assert costs.expected("slow", 0.1) == pytest.approx(2.0)
    assert costs.expected("new", 0.05) == pytest.approx(1.0)


def test_priors_follow_tests_and_limits():
    task = load_task("coin_change")
    few = task.model_copy(update={"tests": task.tests[:2]})
    slow = task.model_copy(update={"limits": task.limits.model_copy(update={"cpu_seconds": 100.0})})
    assert prior(few) < prior(task) < prior(slow)


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_lost_whatever_happens(seed, clock):
    rng = random.Random(seed)
    schedule = Schedule(retries=50, clock=clock)
    runners = {f"n{number}": rng.randint(1, 8) for number in range(rng.randint(2, 6))}
    work = [Item(f"t{rng.randrange(5)}", rng.expovariate(100), what=index) for index in range(rng.randint(1, 800))]
    true = {item: rng.expovariate(1 / item.prior) + 1e-6 for item in work}
    schedule.add(work)
    die = [(rng.random(), node) for node in list(runners)[1:]]
    join = [(rng.random(), f"new{number}") for number in range(3)]
    settled, lost = play(schedule, clock, runners, true.__getitem__, die=die, join=join)
    assert set(settled) == set(work)
    assert not lost
