"""Whether a task is one: patterns are, and each fault is found and named."""

from __future__ import annotations

import pytest

from deepgym_env import AssertionTask, CodeTest, Limits, Task, load_task
from deepgym_env.checking import check_folder, check_task
from deepgym_env.scaffolding import kinds, scaffold

HEAD = "from deepgym_env.task import Case\nimport itertools, random, time\ncount = itertools.count()\n"
CASES = """
def cases(rng):
    yield Case.of(3, expected=9, id="three", public=True)
    for n in range(4):
        x = rng.randint(10, 10**9)
        yield Case.of(x, expected=x * x, id=f"random_{n}")
"""


def square(x):
    """Return x times x."""
    return x * x


def error_of(report, check, level="error"):
    (found,) = [finding for finding in report.findings if finding.check == check]
    assert found.level == level, found
    assert report.passed == (level != "error") or report.at("error") != (found,)
    return found.message


@pytest.fixture
def folder(tmp_path):
    """A task folder; a changed file makes another task of it."""

    def make(cases=CASES, reference="def square(x): return x * x\n", prompt="Write square(x).\n", toml=""):
        place = tmp_path / "square"
        place.mkdir(exist_ok=True)
        place.joinpath("task.toml").write_text(f'title = "Square"\nentry_point = "square"\n{toml}')
        place.joinpath("prompt.md").write_text(prompt)
        place.joinpath("cases.py").write_text(HEAD + cases)
        place.joinpath("reference.py").write_text(reference)
        return place

    return make


@pytest.mark.parametrize("kind", [kind for kind in kinds() if kind != "workspace"])
def test_the_patterns_are_fit_as_they_are(kind, tmp_path, engine):
    report = check_folder(scaffold("my-task.2", kind, tmp_path), engine, runs=2)
    assert [finding for finding in report.findings if finding.level != "ok"] == []
    assert report.passed


def test_the_pattern_of_a_workspace_is_fit_as_it_is(tmp_path, own):
    report = check_folder(scaffold("mend", "workspace", tmp_path), own, runs=2)
    assert [finding for finding in report.findings if finding.level != "ok"] == []
    assert (report.tests, report.public, report.floor) == (3, 1, None)
    assert 0 < report.cpu_share < 1


@pytest.mark.parametrize("task_id", ["coin_change", "first_bad_version", "anagram_check"])
def test_built_in_tasks_are_fit(task_id, engine):
    done = []
    report = check_task(load_task(task_id), engine, runs=3, progress=lambda *told: done.append(told))
    assert (report.task, report.passed, report.at("warning")) == (task_id, True, ())
    assert report.floor < 0.2
    assert done[-1][0] == done[-1][1] == len(done)


def test_a_folder_that_is_right(folder, engine):
    seen = []
    report = check_folder(folder(), engine, progress=lambda *told: seen.append(told))
    assert report.passed
    assert {finding.check for finding in report.findings} == {
        *("tests", "inputs", "prompt", "seeds", "reference", "stubs", "verdicts", "limits", "floor")
    }
    assert seen == [(done, 16) for done in range(1, 17)]  # 5 + 2 seeds + 5 stubs + 4 more of the last


DRAWS_ELSEWHERE = CASES.replace("rng.randint", "random.randint")
OTHER_NUMBER = CASES.replace("range(4)", "range(rng.randint(1, 10**9) % 50)")
ONE_ANSWER = "def cases(rng):\n    yield Case.of(1, expected=1, public=True)\n    yield Case.of(-1, expected=1)\n"
TWINS = CASES + '    yield Case.of(3, expected=9, id="again")\n'
ALL_PUBLIC = CASES.replace('{n}")', '{n}", public=True)')
NONE_PUBLIC = CASES.replace(", public=True", "")


@pytest.mark.parametrize(
    ("changes", "check", "level", "said"),
    [
        ({"reference": "def square(x): return x + x\n"}, "reference", "error", "fails: test 'three': wrong_answer"),
        ({"reference": "def square(x): return x * x if x < 1000 else 0\n"}, "reference", "error", "wrong_answer"),
        ({"prompt": "Write a squared function.\n"}, "prompt", "error", "doesn't name the entry point 'square'"),
        ({"prompt": "\n"}, "prompt", "error", "empty"),
        ({"prompt": "square: def square(x): return x * x\n"}, "prompt", "error", "holds the reference"),
        ({"cases": ALL_PUBLIC}, "tests", "error", "every test is public"),
        ({"cases": NONE_PUBLIC}, "tests", "warning", "none of 5 tests is public"),
        ({"cases": TWINS}, "inputs", "warning", "three and again"),
        ({"cases": ONE_ANSWER}, "floor", "error", "one constant answer passes every test"),
        ({"cases": DRAWS_ELSEWHERE}, "seeds", "error", "draw from rng only"),
        ({"cases": OTHER_NUMBER}, "seeds", "error", "other tests by number or id"),
        ({"toml": 'id = "cube"\n'}, "id", "warning", "give them one name"),
        (
            {"reference": "import os\ndef square(x): return x * x if os.urandom(1)[0] < 128 else 0\n"},
            "verdicts",
            "error",
            "different verdicts in 5 runs",
        ),
        ({"cases": "def cases(rng)\n"}, "loads", "error", "SyntaxError"),
        ({"cases": "def cases(rng):\n    yield Case.of(object(), expected=1)\n"}, "loads", "error", "plain data"),
    ],
)
def test_each_fault_is_found(folder, engine, changes, check, level, said):
    assert said in error_of(check_folder(folder(**changes), engine), check, level)


def test_little_room_in_a_limit_is_told(folder, engine):
    spent = "import time\ndef square(x):\n    while time.thread_time() < 0.15: pass\n    return x * x\n"
    report = check_folder(folder(reference=spent, toml="[limits]\ncpu_seconds = 0.2\n"), engine, runs=2)
    assert "raise the limit" in error_of(report, "limits", "warning")
    assert report.cpu_share > 0.5


def test_a_task_without_reference(make_task, engine):
    report = check_task(make_task(((1,), 1), ((2,), 4)), engine)
    assert "nothing shows that the task can be solved" in error_of(report, "reference")


def test_an_answer_that_does_nothing_must_not_pass(engine):
    task = Task.from_function(lambda_free, [1, "a", None], public=1)
    report = check_task(task, engine)
    assert "its own argument" in error_of(report, "stubs")


def lambda_free(x):
    """Return x."""
    return x


def assertions(*codes):
    tests = [CodeTest(id=f"t{n}", code=code, public=n == 0) for n, code in enumerate(codes)]
    return AssertionTask(
        id="asserted", title="", prompt="Write f.", entry_point="f", reference="def f(x): return [x]", tests=tests
    )


def test_tests_that_are_code_are_tried_with_constants(engine):
    good = check_task(assertions("assert f(1) == [1]", "assert f(2) == [2]"), engine)
    assert good.passed
    assert good.floor is None
    weak = check_task(assertions("assert f(1)", "assert f(2)"), engine)
    assert "always True" in error_of(weak, "stubs")
    twins = check_task(assertions("assert f(1) == [1]", "assert f(1) == [1]"), engine)
    assert "t0 and t1" in error_of(twins, "inputs", "warning")


def test_a_workspace_whose_script_is_wrong(tmp_path, own):
    place = scaffold("mend", "workspace", tmp_path)
    place.joinpath("solve.py").write_text(
        "def solve():\n    seen = yield '<bash>ls</bash>'\n    assert 'x.py' in seen\n"
    )
    report = check_folder(place, own, runs=2)
    assert "solve.py: AssertionError" in error_of(report, "reference")
    place.joinpath("solve.py").write_text("print(1 / 0)\n")
    assert "ZeroDivisionError" in error_of(check_folder(place, own, runs=2), "reference")
    place.joinpath("check.py").write_text("@public\ndef test_a(ws):\n    pass\n\n\ndef test_b(ws):\n    pass\n")
    assert "doing nothing" in error_of(check_folder(place, own, runs=2), "stubs")


def test_an_expensive_test_is_looked_at_alone(engine):
    spent = (
        "import time\ndef square(x):\n    end = time.thread_time() + 0.1\n"
        "    while time.thread_time() < end: pass\n    return x * x\n"
    )
    task = Task.from_function(square, list(range(8)), limits=Limits(cpu_seconds=1.0)).model_copy(
        update={"reference": spent}
    )
    report = check_task(task, engine, runs=2)
    assert report.cpu_seconds > 0.7 > 0.5 > report.cpu_share  # all tests together used more than any of them
