from __future__ import annotations

import os

import pytest

from deepgym_env import DeepGym, RewardFunction, load_environment
from deepgym_env.errors import ClosedError
from deepgym_env.sandbox import LocalBackend

RIGHT, HALF, BROKEN = "def f(x): return x", "def f(x): return 0", "def f(x)"


@pytest.fixture
def task(make_task):
    return make_task(((0,), 0), ((1,), 1))


def test_a_reward_is_the_score(engine, task):
    assert RewardFunction(task, engine)([RIGHT, HALF, BROKEN, "", RIGHT]) == [1.0, 0.5, 0.0, 0.0, 1.0]
    assert RewardFunction(task, engine)([]) == []


def test_a_reward_of_each_test(engine, task):
    assert RewardFunction(task, engine).per_test_rewards([HALF, BROKEN]) == [
        {"t0": 1.0, "t1": 0.0, "overall": 0.5},
        {"t0": 0.0, "t1": 0.0, "overall": 0.0},
    ]


def test_a_reward_of_each_component(engine):
    task = load_environment("first_bad_version")
    linear = (
        "def first_bad_version(n, is_bad):\n    return next(version for version in range(1, n + 1) if is_bad(version))"
    )
    fast, slow, broken = RewardFunction(task, engine).shaped_rewards([task.reference, linear, BROKEN])
    assert fast == {"correctness": 1.0, "efficiency": 1.0}
    assert slow["correctness"] == 1.0
    assert 0.0 < slow["efficiency"] < 0.1
    assert broken == {"correctness": 0.0, "efficiency": 0.0}


def test_without_a_verdict_every_reward_is_none(task):
    with DeepGym(workers=1, retries=0, backend=LocalBackend(python="/no/such/python")) as dg:
        reward = RewardFunction(task, dg)
        assert reward([RIGHT, BROKEN]) == [None, None]
        assert reward.per_test_rewards([RIGHT]) == [{"t0": None, "t1": None, "overall": None}]
        assert reward.shaped_rewards([RIGHT]) == [{"correctness": None}]


def test_its_own_engine_ends_with_it(task, processes):
    before = processes.below(os.getpid())
    with RewardFunction(task) as reward:
        assert reward([RIGHT]) == [1.0]
        started = {p: start for p, start in processes.below(os.getpid()).items() if p not in before}
    assert started
    assert processes.survivors(started) == []
    with pytest.raises(ClosedError):
        reward([RIGHT])


def test_an_engine_it_was_given_lives_on(engine, task):
    with RewardFunction(task, engine) as reward:
        reward([RIGHT])
    assert engine.run(task, RIGHT).passed


def test_a_task_may_be_named(engine):
    assert RewardFunction("reverse_string", engine)(["def reverse_string(s): return s[::-1]"]) == [1.0]
