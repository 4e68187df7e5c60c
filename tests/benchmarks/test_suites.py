"""BigCodeBench and Exercism, whose tests are suites: what was published passes, dishonest answers don't.

A sample by default; with DEEPGYM_WHOLE_BENCHMARKS=1 every task of Exercism, and of BigCodeBench all that need
Python's own library only.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from published import BIGCODEBENCH, EXERCISM, WHOLE

from deepgym_env.benchmarks.canon import check, dishonest
from deepgym_env.benchmarks.importing import convert_rows
from deepgym_env.benchmarks.rows import read_rows
from deepgym_env.errors import ConfigError
from deepgym_env.task import SuiteTask

# Why published solutions fail here; docs/benchmarks.md has the same list.
NEEDS_A_NETWORK = (176, 314, 1005)
NEEDS_ANOTHER_SYSTEM = (562, 1028)  # pip, /proc
ONE_NAMESPACE = (743,)
BY_THE_CLOCK = (819, 1104)
UNSUPPORTED = {
    f"BigCodeBench/{number}" for number in (*NEEDS_A_NETWORK, *NEEDS_ANOTHER_SYSTEM, *ONE_NAMESPACE, *BY_THE_CLOCK)
} | {"Exercism/paasio"}
# Tasks whose own starting point passes: they ask for a better one.
REFACTORINGS = {"Exercism/ledger", "Exercism/markdown"}
ARCHIVE = "exercism_python/exercism_python.tar.gz"
BIG = "bigcodebench/BigCodeBench.jsonl.gz"


def converted(engine, name, file, step):
    rows = read_rows(str(file))[:: 1 if WHOLE else step]
    tasks, failures = convert_rows(name, rows, engine)
    assert failures == []
    return tasks


@pytest.mark.parametrize(("name", "file", "step"), [("bigcodebench", BIG, 24), ("exercism", ARCHIVE, 12)])
def test_published_solutions_pass_and_dishonest_answers_do_not(name, file, step, data, engine):
    tasks = converted(engine, name, data(file), step)
    assert all(isinstance(task, SuiteTask) and task.trust == "in-process" for task in tasks)
    judged = [task for task in tasks if not set(task.packages) - {"pytest"}]
    report = check(judged, engine)
    assert report.lacking == {}
    assert set(report.failed) <= UNSUPPORTED, report.failed
    passed = {task for each in report.passed_by.values() for task in each}
    assert passed <= REFACTORINGS, report.passed_by
    assert report.tasks == len(judged) > 10


def test_every_row_is_a_task(data, engine):
    for name, file, count, tests in (("bigcodebench", BIG, 1140, 6423), ("exercism", ARCHIVE, 161, 2352)):
        tasks, failures = convert_rows(name, read_rows(str(data(file))), engine)
        assert failures == []
        assert (len(tasks), sum(len(task.tests) for task in tasks)) == (count, tests)


def test_a_checkout_is_read_as_its_archive_is(tmp_path, data):
    archive = data(ARCHIVE)
    with tarfile.open(archive) as packed:
        members = [member for member in packed if "/practice/clock/" in member.name or member.name == "config.json"]
        packed.extractall(tmp_path, members, filter="data")
    (found,) = [row for row, _ in read_rows(str(tmp_path))]
    (same,) = [row for row, _ in read_rows(str(archive)) if row["task_id"] == "clock"]
    assert found == same
    assert found["level"] == 3


def test_what_is_no_track_is_refused(tmp_path: Path):
    (tmp_path / "exercises").mkdir()
    with pytest.raises(ConfigError, match="no folder `exercises` in it"):
        read_rows(str(tmp_path))
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"no archive")
    with pytest.raises(ConfigError, match="can't be read"):
        read_rows(str(broken))


def test_a_row_says_what_it_lacks(engine):
    without = {**EXERCISM, "files": {**EXERCISM["files"]}}
    del without["files"]["two_times_test.py"]
    many = {**EXERCISM, "files": {**EXERCISM["files"], ".meta/config.json": "{}"}}
    _, failures = convert_rows("exercism", [(without, None), (many, None)], engine)
    assert [failure.reason for failure in failures] == [
        "its file 'two_times_test.py' is missing",
        "it has not one file to write, one solution and a test file",
    ]
    empty = {**BIGCODEBENCH, "test": "x = 1"}
    _, failures = convert_rows("bigcodebench", [(empty, None)], engine)
    assert "the suite has no tests" in failures[0].reason


def test_the_tasks_hold_what_the_rows_say(engine):
    (task,), _ = convert_rows("exercism", [(EXERCISM, None)], engine)
    assert isinstance(task, SuiteTask)
    assert (task.module, task.difficulty, task.tags) == ("two_times", "medium", ("exercism", "practice"))
    assert [(file.path, file.hidden) for file in task.files] == [("data.py", True)]
    assert "Double it." in task.prompt
    (task,), _ = convert_rows("bigcodebench", [(BIGCODEBENCH, None)], engine)
    assert isinstance(task, SuiteTask)
    assert (task.entry_point, task.names, task.packages) == ("task_func", ("task_func", "math"), ())


def test_solutions_have_what_the_tests_import(engine):
    """In BigCodeBench's own harness both are one module, and some published solutions use it."""
    code = "import unittest\nimport json\nfrom math import tau as circle\n"
    row = {**BIGCODEBENCH, "test": code + BIGCODEBENCH["test"].partition("\n")[2]}
    (task,), _ = convert_rows("bigcodebench", [(row, None)], engine)
    solution = "def task_func(x): return math.sqrt(x) if json.loads('1') == 1 and circle > 6 else None"
    assert engine.run(task, f"import math\n{solution}").passed
    assert engine.run(task, "def task_func(x): return patch").reward_components["correctness"] == 0


@pytest.mark.parametrize(("name", "row"), [("exercism", EXERCISM), ("bigcodebench", BIGCODEBENCH)])
def test_dishonest_answers_are_made_for_suites(name, row, engine):
    (task,), _ = convert_rows(name, [(row, None)], engine)
    answers = dishonest(task)
    assert set(answers) == {"empty", "stub", "always equal", "frame reader"}
    assert all(compile(code, answer, "exec") for answer, code in answers.items())
    assert not any(engine.run(task, code).passed for code in answers.values())
    assert engine.run(task, task.reference).passed
