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
from deepgym_env.task import Task

# name, file, the step of a sample of its rows, plus inputs of a sample, rows that are no data
FILES = [
    ("humaneval", "humaneval/HumanEval.jsonl.gz", 1, None, {f"HumanEval/{n}" for n in (32, 38, 50, 53, 151)}),
    ("mbpp", "mbpp/mbpp.jsonl", 4, None, {"367", "533", "596", "601", "927"}),
    ("mbpp-sanitized", "mbpp/sanitized-mbpp.json", 4, None, {"596"}),
    ("humanevalplus", "humanevalplus/HumanEvalPlus.jsonl.gz", 4, 20, set()),
    ("mbppplus", "mbppplus/MbppPlus.jsonl.gz", 8, 10, {"Mbpp/255"}),
    ("leetcode", "leetcodedataset/LeetCodeDataset-v0.2.0-test.jsonl.gz", 2, None, set()),
    ("leetcode", "leetcodedataset/LeetCodeDataset-v0.2.0-train.jsonl.gz", 16, None, set()),
]
# Its words may come in any order, the assert has one: which solutions give depends on the hash seed.
BY_CHANCE = {"LeetCode/word-ladder-ii"}


NAMES = [file.partition("/")[2] for _, file, *_ in FILES]


@pytest.mark.parametrize(("name", "file", "step", "plus_inputs", "no_data"), FILES, ids=NAMES)
def test_published_solutions_pass_and_dishonest_answers_do_not(name, file, step, plus_inputs, no_data, data, engine):
    step, plus_inputs = (1, None) if WHOLE else (step, plus_inputs)
    rows = read_rows(str(data(file)))[::step]
    tasks, failures = convert_rows(name, rows, engine, plus_inputs=plus_inputs)
    assert {failure.row for failure in failures} == no_data & {str(row["task_id"]) for row, _ in rows}
    judged = [task for task in tasks if isinstance(task, Task) and _has_libraries(task)]
    assert len(judged) > len(rows) * 0.95
    report = check(judged, engine)
    assert set(report.failed) <= BY_CHANCE, report.failed
    assert {answer: passed for answer, passed in report.passed_by.items() if passed} == {}
    assert all(len(task.tests) > 0 for task in judged)


def _has_libraries(task: Task) -> bool:
    """Return whether what a solution from LeetCode imports is installed."""
    return "sortedcontainers" not in (task.reference or "") or importlib.util.find_spec("sortedcontainers") is not None


def test_the_whole_of_humaneval_is_data_but_for_five(data, engine):
    tasks, _ = convert_rows("humaneval", read_rows(str(data("humaneval/HumanEval.jsonl.gz"))), engine)
    tests = [test for task in tasks for test in task.tests]
    assert (len(tasks), len(tests)) == (159, 1119)
    assert 0.33 < sum(task.floor for task in tasks) / len(tasks) < 0.36


def test_the_whole_of_mbpp_is_data_but_for_five(data, engine):
    tasks, _ = convert_rows("mbpp", read_rows(str(data("mbpp/mbpp.jsonl"))), engine)
    assert (len(tasks), sum(len(task.tests) for task in tasks)) == (969, 2907)
    assert sum(task.floor == 1 for task in tasks) == 7
