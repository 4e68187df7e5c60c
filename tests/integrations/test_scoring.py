"""What the adapters have in common."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable

import pytest

from deepgym_env import (
    AsyncDeepGym,
    DeepGym,
    Limits,
    SuiteTask,
    Task,
    load_environment,
    register,
    task_ids,
)
from deepgym_env.errors import ConfigError, PackageError, UnknownTaskError
from deepgym_env.integrations.scoring import Scorer, text_of

RIGHT = "def reverse_string(s): return s[::-1]"


def test_each_row_is_of_its_own_task(engine: DeepGym) -> None:
    sums = load_environment("two_sum")
    rows = [(RIGHT, "reverse_string"), (sums.reference, "two_sum"), (RIGHT, "two_sum"), ("x", "DeepGym/reverse_string")]
    results = Scorer(engine=engine)([said for said, _ in rows], [task for _, task in rows])
    assert [(result.task_id, result.passed) for result in results] == [
        ("reverse_string", True),
        ("two_sum", True),
        ("two_sum", False),
        ("reverse_string", False),
    ]


def test_one_task_is_that_of_all_rows(engine: DeepGym, make_task: Callable[..., Task]) -> None:
    scorer = Scorer(make_task(([2], 4)), engine)
    said = [
        "def f(n): return 2 * n",
        [{"role": "user", "content": "?"}, {"role": "assistant", "content": "def f(n): 0"}],
    ]
    assert [result.score for result in scorer(said)] == [1.0, 0.0]
    assert [result.score for result in scorer(said, ["toy", None])] == [1.0, 0.0]


def test_rows_name_only_tasks_there_are(engine: DeepGym) -> None:
    with pytest.raises(UnknownTaskError, match="made for reverse_string"):
        Scorer(["reverse_string"], engine)([RIGHT], ["two_sum"])
    with pytest.raises(UnknownTaskError, match="did you mean"):
        Scorer(engine=engine)([RIGHT], ["reverse_strin"])
    with pytest.raises(ConfigError, match="names no task"):
        Scorer(["reverse_string"], engine)([RIGHT])
    with pytest.raises(ConfigError, match="one each"):
        Scorer("reverse_string", engine)([RIGHT], [])
    with pytest.raises(ConfigError, match="got one str"):
        Scorer("reverse_string", engine)(RIGHT)
    with pytest.raises(ConfigError, match="debug_fix is a workspace"):
        Scorer("debug_fix", engine)


def test_it_goes_to_other_processes(engine: DeepGym) -> None:
    scorer = Scorer("reverse_string")
    assert scorer([RIGHT])[0].passed
    copy = pickle.loads(pickle.dumps(scorer))
    assert copy([RIGHT])[0].passed
    copy.close()
    scorer.close()
    assert scorer([RIGHT])[0].passed  # opens again
    scorer.close()
    with pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(Scorer(engine=engine))


@pytest.mark.parametrize("task", task_ids("function"))
def test_ids_travel_whatever_their_tasks_hold(task: str) -> None:
    scorer = Scorer([task])
    assert pickle.loads(pickle.dumps(scorer)).task_of(task).id == task


def test_what_was_scored_is_not_kept(engine: DeepGym, make_task: Callable[..., Task]) -> None:
    register(lambda seed: make_task(([2], 4)), "scoring/double")
    scorer = Scorer(engine=engine)
    assert scorer(["def f(n): return 2 * n"], ["scoring/double"])[0].passed
    assert scorer.tasks == ()


def test_a_group_that_fails_ends_the_others(make_task: Callable[..., Task], quick: Limits) -> None:
    slow = make_task(([2], 4), limits=quick)
    suite = "import unittest, toy\nclass T(unittest.TestCase):\n    def test_it(self): self.assertTrue(toy.f)"
    missing = SuiteTask.of(suite, id="toy", title="Toy", prompt="Write f.", module="toy", packages=("no_such_package",))
    with DeepGym(workers=1) as dg:

        async def left(_: AsyncDeepGym) -> list[str]:
            return [repr(task) for task in asyncio.all_tasks() if "run_batch" in repr(task)]

        with pytest.raises(PackageError):
            dg.run_many([(missing, "x = 1"), *((slow, f"def f(n):\n    while {n}: pass") for n in range(1, 9))])
        assert dg.call(left) == []


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        ("code", "code"),
        ([], ""),
        ([{"role": "user", "content": "question"}], ""),
        ([{"role": "assistant", "content": "a"}, {"role": "tool", "content": "b"}], "a"),
        ([{"role": "assistant", "content": None, "tool_calls": []}], ""),
        ([{"role": "assistant", "content": [{"type": "text", "text": "x"}, {"type": "text", "text": "y"}]}], "xy"),
    ],
)
def test_what_a_completion_says(completion, text) -> None:
    assert text_of(completion) == text
