from __future__ import annotations

import pickle

import pytest
from pydantic import ValidationError

from deepgym_env import Call, Case, Comparison, Limits, Query, Task, TestCase

TEST = TestCase(id="t", calls=(Call(args=(1,), expected=2),))
FIELDS = {"id": "toy", "title": "Toy", "prompt": "Write f.", "entry_point": "f", "tests": (TEST,)}


def test_a_task_needs_little():
    task = Task(**FIELDS)
    assert (task.limits, task.comparison) == (Limits(), Comparison())
    assert (task.seed, task.prelude, task.reference, task.check) == (0, "", None, None)
    assert task.public_tests == ()


@pytest.mark.parametrize("field", ["id", "prompt", "tests", "limits", "seed"])
def test_a_task_is_frozen(field):
    with pytest.raises(ValidationError, match="frozen"):
        setattr(Task(**FIELDS), field, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tests": ()}, "at least 1"),
        ({"tests": (TEST, TEST)}, "unique"),
        ({"id": "a b"}, "pattern"),
        ({"id": ""}, "pattern"),
        ({"id": "../x/y"}, "pattern"),
        ({"entry_point": "1f"}, "Python name"),
        ({"entry_point": "class"}, "Python name"),
        ({"entry_point": "a..b"}, "Python name"),
        ({"entry_point": "a.if"}, "Python name"),
        ({"difficulty": "odd"}, "difficulty"),
        ({"comparison": Comparison(kind="checker")}, "check"),
        ({"check": lambda *_: True}, "check"),
        ({"prelude": "class"}, "prelude"),
        ({"reference": "def f("}, "reference"),
        ({"reference": "x = '\0'"}, "reference"),
        ({"colour": 1}, "Extra inputs"),
    ],
    ids=lambda value: value if isinstance(value, str) else ",".join(value),
)
def test_a_task_checks_itself(changes, message):
    with pytest.raises(ValidationError, match=message):
        Task(**{**FIELDS, **changes})


@pytest.mark.parametrize(
    "limits",
    [
        {"cpu_seconds": 0},
        {"cpu_seconds": float("nan")},
        {"cpu_seconds": float("inf")},
        {"wall_seconds": -1},
        {"memory_mb": 1},
        {"memory_mb": 1.5},
        {"output_bytes": 0},
        {"tmp_mb": 0},
        {"queries": 0},
        {"colour": 1},
    ],
    ids=str,
)
def test_limits_must_make_sense(limits):
    with pytest.raises(ValidationError, match=next(iter(limits))):
        Limits(**limits)


@pytest.mark.parametrize("options", [{"kind": "magic"}, {"rel_tol": -1}, {"abs_tol": -1}, {"depth": 0}, {"depth": 9}])
def test_comparisons_must_make_sense(options):
    with pytest.raises(ValidationError):
        Comparison(**options)


def test_case_of_is_one_call():
    case = Case.of(1, "a", expected=[2], id="x", public=True, budget=3)
    assert case == Case(calls=(Call(args=(1, "a"), expected=[2]),), id="x", public=True, budget=3)


def test_case_all_of_is_a_call_each():
    case = Case.all_of((1, True), ("a", False), id="x")
    assert case.calls == (Call(args=(1,), expected=True), Call(args=("a",), expected=False))
    assert not case.public


@pytest.mark.parametrize("make", [lambda: Case(calls=()), lambda: TestCase(id="t", calls=()), Case.all_of])
def test_a_case_has_a_call(make):
    with pytest.raises(ValidationError):
        make()


def test_arguments_are_kept_as_they_are():
    values = ([1], (1,), True, 1.0, {1: {2}}, None, 2**70)
    call = Call(args=values, expected=(1, [2]))
    assert [type(arg) for arg in call.args] == [type(value) for value in values]
    assert type(call.expected) is tuple


def test_a_query_answers_and_hides_its_answer():
    query = Query(lambda n: n > 3)
    assert (query(3), query(4)) == (False, True)
    assert repr(query) == "<function>"


def test_a_task_pickles():
    task = Task(**FIELDS)
    assert pickle.loads(pickle.dumps(task)) == task
