"""The published canon: over each file, its own solutions pass and dishonest answers don't.

A sample by default; with DEEPGYM_WHOLE_BENCHMARKS=1 every task and every input, as docs/benchmarks.md has it.
"""

from __future__ import annotations

import importlib.util

import pytest
from published import WHOLE

from deepgym_env.benchmarks.canon import check
from deepgym_env.benchmarks.importing import convert_rows
from deepgym_env.benchmarks.rows import read_rows
from deepgym_env.judge.floor import floor_of
from deepgym_env.task import AssertionTask, FunctionTask

# name, file, the step of a sample of its rows, plus inputs of a sample, rows that become no task
FILES = [
    ("humaneval", "humaneval/HumanEval.jsonl.gz", 1, None, set()),
    ("mbpp", "mbpp/mbpp.jsonl", 4, None, set()),
    ("mbpp-sanitized", "mbpp/sanitized-mbpp.json", 4, None, set()),
    ("humanevalplus", "humanevalplus/HumanEvalPlus.jsonl.gz", 4, 20, set()),
    ("mbppplus", "mbppplus/MbppPlus.jsonl.gz", 8, 10, {"Mbpp/255"}),
    ("leetcode", "leetcodedataset/LeetCodeDataset-v0.2.0-test.jsonl.gz", 2, None, set()),
    ("leetcode", "leetcodedataset/LeetCodeDataset-v0.2.0-train.jsonl.gz", 16, None, set()),
]
NAMES = [file.partition("/")[2] for _, file, *_ in FILES]


@pytest.mark.parametrize(("name", "file", "step", "plus_inputs", "no_task"), FILES, ids=NAMES)
def test_published_solutions_pass_and_dishonest_answers_do_not(name, file, step, plus_inputs, no_task, data, engine):
    step, plus_inputs = (1, None) if WHOLE else (step, plus_inputs)
    rows = read_rows(str(data(file)))[::step]
    tasks, failures = convert_rows(name, rows, engine, plus_inputs=plus_inputs)
    assert {failure.row for failure in failures} == no_task & {str(row["task_id"]) for row, _ in rows}
    judged = [task for task in tasks if isinstance(task, FunctionTask) and _has_libraries(task)]
    assert len(judged) > len(rows) * 0.95
    report = check(judged, engine)
    assert report.failed == {}
    assert {answer: passed for answer, passed in report.passed_by.items() if passed} == {}
    assert all(len(task.tests) > 0 for task in judged)


def _has_libraries(task: FunctionTask) -> bool:
    """Return whether what a solution from LeetCode imports is installed."""
    return "sortedcontainers" not in (task.reference or "") or importlib.util.find_spec("sortedcontainers") is not None


# Tests of these rows compute, need set-up code, or pass what is no literal: they stay code.
CODE = {
    "humaneval": {"HumanEval/32", "HumanEval/38", "HumanEval/50", "HumanEval/53", "HumanEval/151"},
    "mbpp": {"MBPP/367", "MBPP/533", "MBPP/596", "MBPP/601", "MBPP/927"},
}


@pytest.mark.parametrize(
    ("name", "file", "count", "tests"),
    [("humaneval", "humaneval/HumanEval.jsonl.gz", 164, 1135), ("mbpp", "mbpp/mbpp.jsonl", 974, 2922)],
)
def test_every_row_is_a_task_and_those_whose_tests_compute_hold_up(name, file, count, tests, data, engine):
    tasks, failures = convert_rows(name, read_rows(str(data(file))), engine)
    assert failures == []
    assert (len(tasks), sum(len(task.tests) for task in tasks)) == (count, tests)
    code = [task for task in tasks if isinstance(task, AssertionTask)]
    assert {task.id for task in code} == CODE[name]
    report = check(code, engine)
    assert report.failed == {}
    assert not any(report.passed_by.values())


def test_floors_of_the_whole_of_mbpp(data, engine):
    tasks, _ = convert_rows("mbpp", read_rows(str(data("mbpp/mbpp.jsonl"))), engine)
    assert sum(floor_of(task) == 1 for task in tasks) == 7
