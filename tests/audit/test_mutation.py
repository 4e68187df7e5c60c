"""Mutants of every reference are noticed, and tests that miss some are found out."""

from __future__ import annotations

import pytest

from deepgym_env import Case, Task, TestCase, load_task, task_ids
from deepgym_env.audit.mutation import mutants_of, mutation_score, suggested_tests
from deepgym_env.errors import ConfigError, TaskError

CLAMP = """
def clamp(x, low, high):
    if x < low:
        return low
    if x > high:
        return high
    return x
"""


def clamp_task(*calls, seed=0, **fields):
    """A task whose oracle is independent of the reference: the middle of three."""
    cases = [Case.of(*args, expected=sorted(args)[1], public=number == 0) for number, args in enumerate(calls)]
    tests = tuple(TestCase(id=f"t{number}", calls=case.calls, public=case.public) for number, case in enumerate(cases))
    fields = {"reference": CLAMP, **fields}
    return Task(id="clamp", title="Clamp", prompt="", entry_point="clamp", tests=tests, seed=seed, **fields)


def redraw(seed):
    return clamp_task((seed, 0, 10), (-seed, 0, 10), (seed % 10, 0, 10), seed=seed)


@pytest.mark.parametrize("task_id", task_ids("function"))
def test_the_tests_of_a_task_notice_small_faults(engine, task_id):
    report = mutation_score(engine, load_task(task_id))
    assert report.score >= 0.95, [survivor.diff for survivor in report.survivors]
    assert report.killed >= 3
    assert report.mutants == report.killed + len(report.survivors) + len(report.unclear) + len(report.equivalent)
    assert report.idle_tests == ()


def test_tests_that_miss_faults_are_found_out_and_mended_by_what_is_suggested(engine):
    weak = clamp_task((5, 0, 10))
    report = mutation_score(engine, weak, redraw=redraw)
    assert report.score < 0.8
    for survivor in report.survivors:
        assert survivor.diff.startswith("--- reference.py\n+++ mutant.py\n")
        assert survivor.witness.startswith("clamp(")
    lines = suggested_tests(report)
    assert lines
    drawn = [eval(line.removeprefix("yield "), {"Case": Case}) for line in lines]
    stronger = clamp_task((5, 0, 10), *(case.calls[0].args for case in drawn))
    assert [case.calls[0].expected for case in drawn] == [test.calls[0].expected for test in stronger.tests[1:]]
    assert mutation_score(engine, stronger, redraw=redraw).score == 1.0


def test_made_up_inputs_tell_apart_what_no_draw_does_but_do_not_count(engine):
    report = mutation_score(engine, clamp_task((5, 0, 10), (-5, 0, 10), (15, 0, 10)))
    assert report.survivors == ()
    assert report.unclear or report.equivalent
    assert report.inputs_tried > 50


def test_mutants_that_differ_nowhere_are_listed_apart(engine):
    report = mutation_score(engine, clamp_task((5, 0, 10), (-5, 0, 10), (15, 0, 10)), redraw=redraw)
    assert {survivor.operator for survivor in report.equivalent} == {"comparison"}  # < or <= of the bounds
    assert report.score == 1.0


def test_a_test_that_no_mutant_fails_is_idle(engine):
    report = mutation_score(engine, clamp_task((5, 0, 10), (-5, 0, 10), (15, 0, 10), (5, 5, 5)), redraw=redraw)
    assert "t3" in report.idle_tests or report.idle_tests == ()
    always = clamp_task(
        (5, 0, 10), (7, 7, 7), reference="def clamp(x, low, high):\n    return max(low, min(x, high))\n"
    )
    assert mutation_score(engine, always).idle_tests in ((), ("t1",))


def test_the_same_task_gives_the_same_report(engine):
    task = load_task("valid_parentheses")
    assert mutation_score(engine, task, most=10) == mutation_score(engine, task, most=10)


def test_mutants_that_run_for_ever_are_killed(engine):
    source = "def f(n):\n    while n > 0:\n        n -= 1\n    return n\n"
    task = Task(
        id="down",
        title="Down",
        prompt="",
        entry_point="f",
        tests=(TestCase(id="t", calls=Case.of(9, expected=0).calls),),
        reference=source,
    )
    report = mutation_score(engine, task, cpu_seconds=0.1)
    assert "n += 1" in "".join(mutant.code for mutant in mutants_of(source))
    assert report.killed >= 4


def test_mutants_come_in_order_once_and_within_bounds():
    source = load_task("matrix_spiral").reference
    mutants = mutants_of(source)
    assert len({mutant.code for mutant in mutants}) == len(mutants) > 50
    few = mutants_of(source, most=10, seed=3)
    assert few == mutants_of(source, most=10, seed=3) != mutants_of(source, most=10, seed=4)
    assert [mutants.index(mutant) for mutant in few] == sorted(mutants.index(mutant) for mutant in few)


OPERATORS = {
    "a < b": "a <= b",
    "a and b": "a or b",
    "a // b": "a * b",
    "a + 1": "a + 2",
    "not a": "a",
    "f(a, b)": "f(b, a)",
    "min(a, b)": "max(a, b)",
    "range(a)": "range(a - 1)",
    "a[b:]": "a[b + 1:]",
    "sorted(a, reverse=True)": "sorted(a)",
    "a if b else c": "a if not b else c",
    "'x'": "''",
    "True": "False",
    "a in b": "a not in b",
}


@pytest.mark.parametrize("expression", OPERATORS)
def test_operators(expression):
    codes = [mutant.code for mutant in mutants_of(f"x = {expression}")]
    assert f"x = {OPERATORS[expression]}" in codes


@pytest.mark.parametrize(
    ("statement", "mutant"),
    [
        ("while a:\n    break", "while a:\n    continue"),
        ("if a:\n    b()", "if not a:\n    b()"),
        ("a += 1", "a -= 1"),
        ("a = b", "pass"),
        ("def f():\n    return a", "def f():\n    return None"),
    ],
)
def test_statement_operators(statement, mutant):
    assert mutant in [each.code for each in mutants_of(statement)]


def test_annotations_and_docstrings_are_left_alone():
    assert mutants_of('def f(a: int = None) -> "int":\n    """Do 1 + 1."""') == []


def test_what_can_not_be_mutated_is_said(engine):
    with pytest.raises(ConfigError, match=r"no reference\.py"):
        mutation_score(engine, clamp_task((5, 0, 10), reference=None))
    with pytest.raises(TaskError, match="does not pass its own tests"):
        mutation_score(engine, clamp_task((5, 0, 10), reference="def clamp(x, low, high):\n    return low\n"))
