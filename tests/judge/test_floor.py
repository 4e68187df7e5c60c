from __future__ import annotations

import pytest

from deepgym_env import Call, Comparison, TestCase, load_task, task_ids
from deepgym_env.judge.floor import best_constant, floor_of


@pytest.mark.parametrize(
    ("expected", "how", "floor"),
    [
        ([1, 1, 2, 3], {}, 0.5),
        ([1, 1.0, True, 3], {}, 0.25),
        ([1, 1.0, True, 3], {"kind": "equal"}, 0.75),
        ([1.0, 1.05, 1.1, 9.0], {"kind": "close", "rel_tol": 0, "abs_tol": 0.06}, 0.75),
        ([[1, 2], [2, 1], [3]], {"kind": "unordered"}, 2 / 3),
        ([[1, 2], [2, 3], [9]], {"kind": "any_of"}, 2 / 3),
        ([[1, 2], [2.0, 3], [9]], {"kind": "any_equal"}, 2 / 3),
        ([None, None], {}, 1.0),
    ],
)
def test_the_floor_is_the_best_constant_s_score(make_task, engine, expected, how, floor):
    task = make_task(*(((n,), value) for n, value in enumerate(expected)), comparison=Comparison(**how))
    assert floor_of(task) == pytest.approx(floor)
    options = [value for each in expected for value in (each if isinstance(each, list) else [each])] + expected
    codes = [f"def f(x): return {value!r}" for value in options]
    assert max(result.score for result in engine.run_batch(task, codes).results) == pytest.approx(floor)


def test_all_calls_of_a_test_must_agree(make_task):
    task = make_task([((1,), True), ((2,), False)], [((1,), True), ((2,), True)])
    assert floor_of(task) == 0.5


@pytest.mark.parametrize(
    ("views", "floor"),
    [
        ([("bool", True), ("bool", True), ("bool", False)], 2 / 3),
        ([("bool", True), (None, 1)], 1.0),
        ([("set", {1}), ("int", 1)], 0.5),
    ],
)
def test_views_are_looked_through(make_task, views, floor):
    tests = [TestCase(id=f"t{n}", calls=(Call(args=(n,), view=v, expected=e),)) for n, (v, e) in enumerate(views)]
    assert floor_of(make_task(*tests)) == pytest.approx(floor)


def test_a_checker_is_asked(make_task):
    task = make_task(((1,), 1), ((5,), 5), comparison=Comparison(kind="checker"), check=lambda args, e, o: o == args[0])
    assert floor_of(task) == 0.5


def test_what_is_known_is_not_computed(make_task):
    assert floor_of(make_task(((1,), 1), floor=0.25)) == 0.25


def test_built_in_tasks_give_little_away():
    floors = {name: floor_of(load_task(name)) for name in task_ids("function")}
    assert all(0 <= floor < 0.2 for floor in floors.values()), floors
    assert best_constant(load_task("coin_change")) == floors["coin_change"]
