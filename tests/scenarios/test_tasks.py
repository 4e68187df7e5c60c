"""The task library: every task can be solved, and by nothing but a solution."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import pytest

from deepgym_env import Query, load_task, load_task_folder, task_ids
from deepgym_env.judge.compare import Expected, matches
from deepgym_env.sandbox.runner import codec

SCENARIOS = Path(__file__).parents[2] / "scenarios"
WRONG = Path(__file__).parents[1] / "wrong_solutions"
SEEDS, CHUNK = 1000, 250
CONSTANTS = [None, True, False, 0, 1, -1, 2, 0.0, 1.0, "", "0", "a", [], [[]], [0], (), {}, set(), math.inf]

each_task = pytest.mark.parametrize("task_id", task_ids("function"))


def stub(task, body):
    return f"def {task.entry_point}(*args, **kwargs):\n    {body}\n"


def is_right(task, call, expected, output):
    try:
        answer = codec.encode(output).encode()
    except codec.CodecError:
        return False
    return matches(expected, answer, task.comparison, task.check, call.args)


# ── solutions, and what is none ───────────────────────────────────────────────────────────


@each_task
@pytest.mark.parametrize("seed", [0, 1])
def test_the_reference_scores_one(engine, task_id, seed):
    task = load_task(task_id, seed)
    result = engine.run(task, task.reference)
    assert [case.status for case in result.cases] == ["passed"] * len(task.tests)
    assert result.score == 1.0
    assert set(result.reward_components.values()) == {1.0}


@each_task
def test_a_stub_scores_nothing(engine, task_id):
    task = load_task(task_id)
    codes = ["", "pass", stub(task, "pass"), stub(task, "return None"), stub(task, "raise NotImplementedError")]
    assert engine.run_batch(task, codes).scores.tolist() == [0.0] * len(codes)


@each_task
def test_no_constant_scores_more_than_a_fifth(engine, task_id):
    task = load_task(task_id)
    expected = [[Expected(call.expected) for call in test.calls] for test in task.tests]
    constants = CONSTANTS + [call.expected for test in task.tests for call in test.calls]

    def score(constant):
        right = [
            all(is_right(task, call, exp, constant) for call, exp in zip(test.calls, row, strict=True))
            for test, row in zip(task.tests, expected, strict=True)
        ]
        return sum(right) / len(right)

    best = max(constants, key=score)
    assert score(best) <= 0.2, best
    assert engine.run(task, stub(task, f"return {best!r}")).score == pytest.approx(score(best))


@each_task
def test_returning_an_argument_does_not_solve_it(engine, task_id):
    task = load_task(task_id)
    assert engine.run(task, stub(task, "return args[0]")).score <= 0.3


@each_task
def test_wrong_solutions_are_caught(engine, task_id):
    task = load_task(task_id)
    paths = sorted((WRONG / task_id).glob("*.py"))
    assert len(paths) >= 3
    batch = engine.run_batch(task, [path.read_text() for path in paths])
    assert [path.name for path, result in zip(paths, batch, strict=True) if result.score == 1.0] == []
    # A wrong solution that doesn't even load would prove nothing.
    assert [path.name for path, result in zip(paths, batch, strict=True) if result.cases[0].status == "not_run"] == []


def test_wrong_solutions_belong_to_tasks():
    assert {path.name for path in WRONG.iterdir() if path.is_dir()} - {"__pycache__"} == set(task_ids("function"))


# ── form ──────────────────────────────────────────────────────────────────────────────────


@each_task
def test_form(task_id):
    task = load_task(task_id)
    assert task.id == task_id
    assert f"{task.entry_point}(" in task.prompt
    assert len(task.tests) >= 12
    assert 2 <= len(task.public_tests) <= 4
    assert task.reference
    assert task.title
    assert task.tags
    assert task.source
    assert task.reference.strip() not in task.prompt


@each_task
def test_public_tests_come_first(task_id):
    task = load_task(task_id)
    publicity = [test.public for test in task.tests]
    assert publicity == sorted(publicity, reverse=True)


# ── a thousand seeds ──────────────────────────────────────────────────────────────────────


def _function(task):
    namespace: dict[str, object] = {"__name__": "solution"}
    exec(compile(task.prelude, "prelude.py", "exec"), namespace)
    exec(compile(task.reference, "reference.py", "exec"), namespace)
    return namespace[task.entry_point]


class _Counted(Query):
    def __init__(self, query):
        super().__init__(query.answer)
        self.count = 0

    def __call__(self, *args):
        self.count += 1
        return super().__call__(*args)


def _ask(function, call):
    """Call the trusted reference on a copy of the arguments; return its answer and its queries."""
    args = [_Counted(arg) if isinstance(arg, Query) else copy.deepcopy(arg) for arg in call.args]
    output = function(*args, **copy.deepcopy(dict(call.kwargs)))
    return output, sum(arg.count for arg in args if isinstance(arg, _Counted))


@each_task
@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_cases_agree_with_the_reference_whatever_the_seed(task_id, first):
    shape = [(test.id, test.public) for test in load_task(task_id).tests]
    function = _function(load_task(task_id))
    seen = set()
    for seed in range(first, first + CHUNK):
        task = load_task_folder(SCENARIOS / task_id, seed)
        assert [(test.id, test.public) for test in task.tests] == shape
        for test in task.tests:
            queries = 0
            for call in test.calls:
                output, asked = _ask(function, call)
                queries = max(queries, asked)
                assert is_right(task, call, Expected(call.expected), output), (seed, test.id, call)
            assert queries <= task.limits.queries
            assert test.budget is None or queries <= test.budget
        seen.add(repr([call.args for test in task.tests for call in test.calls]))
    fixed_only = all(
        test.calls == other.calls for test, other in zip(task.tests, load_task(task_id).tests, strict=True)
    )
    assert len(seen) > CHUNK * 0.9 or fixed_only
