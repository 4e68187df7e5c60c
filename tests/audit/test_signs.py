"""Signs of weak tests: stable verdicts, public tests that give hidden ones away."""

from __future__ import annotations

import itertools

import pytest

from deepgym_env import Comparison, load_task, task_ids
from deepgym_env.audit.signs import weak_signs
from deepgym_env.errors import ConfigError


@pytest.mark.parametrize("task_id", task_ids("function")[::4])
def test_built_in_tasks_show_none(engine, task_id):
    signs = weak_signs(engine, load_task(task_id), runs=2)
    assert (signs.flaky, signs.order_dependent, signs.lookup_hidden) == ((), (), ())
    assert signs.is_clean
    assert signs.constant_score <= 0.2


def test_public_tests_that_give_hidden_ones_away(engine, make_task):
    signs = weak_signs(engine, make_task(((1,), 5), ((1,), 5), ((2,), 7)))
    assert signs.lookup_hidden == ("t1",)
    assert signs.lookup_score == pytest.approx(2 / 3)
    assert signs.constant_score == pytest.approx(2 / 3)
    assert not signs.is_clean


def test_verdicts_that_depend_on_the_order(engine, make_task):
    counter = "seen = []\ndef f(x):\n    seen.append(x)\n    return len(seen)\n"
    signs = weak_signs(engine, make_task(((1,), 1), ((1,), 2), ((1,), 3)), more=[counter])
    assert set(signs.order_dependent) >= {"t1", "t2"}
    assert signs.flaky == ()


def test_verdicts_that_differ_from_run_to_run(engine, make_task):
    turns = itertools.count()
    task = make_task(
        ((1,), 1), check=lambda args, expected, output: next(turns) % 7 < 3, comparison=Comparison(kind="checker")
    )
    assert weak_signs(engine, task, runs=4).flaky == ("t0",)


def test_fewer_than_two_runs_show_nothing(engine):
    with pytest.raises(ConfigError, match="runs must be at least 2, got 1"):
        weak_signs(engine, load_task("fizzbuzz"), runs=1)
