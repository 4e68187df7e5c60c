"""APPS, LiveCodeBench and CodeContests, in the forms they are published in."""

from __future__ import annotations

import base64
import json
import os
import pickle
import zlib

import gymnasium as gym
import pytest
from published import APPS, CODECONTESTS, LIVECODEBENCH, packed

from deepgym_env import benchmarks, load_environment
from deepgym_env.benchmarks import apps, codecontests, livecodebench
from deepgym_env.benchmarks.canon import check, dishonest
from deepgym_env.benchmarks.conversion import NotData
from deepgym_env.benchmarks.importing import convert_rows, import_benchmark
from deepgym_env.envs import register_tasks
from deepgym_env.task import ProgramTask, Task


def with_tests(inputs, outputs, **more):
    return {**APPS, "input_output": json.dumps({"inputs": inputs, "outputs": outputs, **more})}


# ── APPS ──────────────────────────────────────────────────────────────────────────────────


def test_apps_shows_the_tests_the_question_shows():
    task = apps.convert(APPS, None)
    assert [(test.id, test.public, test.stdin, test.expected) for test in task.tests] == [
        ("test_0", True, "2\n", "4\n"),
        ("test_1", False, "5", "10"),
        ("test_2", False, "7\n", "14\n"),
    ]
    assert (task.id, task.difficulty, task.tags) == ("APPS/4000", "medium", ("apps", "interview"))
    assert task.reference == "print(2 * int(input()))"
    assert "14" not in task.prompt


def test_apps_numbers_both_splits_from_zero(tmp_path, own):
    files = [tmp_path / "train.jsonl", tmp_path / "test.jsonl"]
    for file in files:
        file.write_text(json.dumps({**{k: v for k, v in APPS.items() if k != "problem_id"}, "id": 7}))
    report = import_benchmark("apps", list(map(str, files)), engine=own)
    assert (report.tasks, report.failures) == (2, ())
    assert [entry.id for entry in benchmarks.imported("apps")] == ["APPS/train-7", "APPS/7"]
    assert load_environment("APPS/train-7").tags[-1] == "train"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"input_output": ""}, "no tests"),
        ({"input_output": "{}"}, "no tests"),
        ({"input_output": "{"}, "no JSON"),
        ({"input_output": "[]"}, "no object but list"),
        (with_tests(["1"], []), "1 inputs and 0 outputs"),
        (with_tests([{"a": 1}], ["1"]), "neither text nor lines"),
        (with_tests("1", "1"), "no lists"),
        (with_tests([3], [4], fn_name="f"), "no list but int"),
        ({"question": None}, "'question'"),
    ],
)
def test_apps_of_another_form_is_reported(change, reason):
    with pytest.raises(NotData, match=reason):
        apps.convert({**APPS, **change}, None)


@pytest.mark.parametrize("solutions", ["", "[]", json.dumps(["print 1"]), "null"])
def test_apps_without_a_solution_is_a_task_still(solutions):
    assert apps.convert({**APPS, "solutions": solutions}, None).reference is None


def test_long_outputs_have_room_and_endless_ones_are_reported():
    long = "7" * (5 << 20)
    task = apps.convert(with_tests(["1"], [long]), None)
    assert task.limits.output_bytes == 2 * len(long)
    with pytest.raises(NotData, match="40 MiB of output"):
        apps.convert(with_tests(["1"], [long * 8]), None)


def test_apps_functions(own):
    big = 10**5000  # longer than int() takes by default
    tests = '{"fn_name": "back", "inputs": [[[1, 2]], [[3]], [[BIG]]], "outputs": [[[2, 1]], [3], [[BIG]]]}'
    row = {
        **APPS,
        "input_output": tests.replace("BIG", f"1{'0' * 5000}"),
        "solutions": json.dumps(["class Solution:\n    pass", "def back(items):\n    return items[::-1]"]),
        "starter_code": "def back(items):\n\t",
    }
    task = apps.convert(row, None)
    assert isinstance(task, Task)
    assert (task.entry_point, len(task.tests), task.public_tests) == ("back", 3, ())
    assert task.tests[2].calls[0].args == ([big],)
    assert "def back(items):" in task.prompt
    assert own.run(task, task.reference).passed
    assert own.run(task, "def back(items): return tuple(items[::-1])").passed
    assert own.run(task, "def back(items): return items").score == pytest.approx(2 / 3)


def test_apps_methods(own):
    row = {
        **with_tests([[2], [3]], [4, 6], fn_name="twice"),
        "starter_code": "class Solution:\n    def twice(self, x: int) -> int:\n        ",
        "solutions": json.dumps(["class Solution:\n    def twice(self, x: int) -> List[int]:\n        return x * 2"]),
    }
    task = apps.convert(row, None)
    assert task.entry_point == "Solution.twice"
    assert own.run(task, task.reference).passed


# ── LiveCodeBench ─────────────────────────────────────────────────────────────────────────


def test_livecodebench_programs():
    task = livecodebench.convert(LIVECODEBENCH, None)
    assert isinstance(task, ProgramTask)
    assert [(test.id, test.public, test.stdin) for test in task.tests] == [
        ("public_0", True, "2\n"),
        ("private_0", False, "7\n"),
    ]
    assert (task.title, task.difficulty, task.reference) == ("A. Double", "easy", None)
    assert task.tags == ("livecodebench", "atcoder", "2023-05")


def test_livecodebench_methods(own):
    def call(given, output):
        return {"input": given, "output": output, "testtype": "functional"}

    row = {
        **LIVECODEBENCH,
        "question_id": "2730",
        "starter_code": "class Solution:\n    def pick(self, items: List[int], n: int) -> List[int]:\n        ",
        "metadata": json.dumps({"func_name": "pick"}),
        "public_test_cases": json.dumps([call("[1, 2, 3]\n2", "[1, 2]")]),
        "private_test_cases": json.dumps([call("[]\n1\n", "[]"), call('["a"]\n1', '["a"]')]),
    }
    task = livecodebench.convert(row, None)
    assert (task.id, task.entry_point, len(task.public_tests)) == ("LiveCodeBench/2730", "Solution.pick", 1)
    assert "def pick(self" in task.prompt
    body = "class Solution:\n    def pick(self, items: List[int], n: int) -> List[int]:\n        return "
    assert own.run(task, body + "items[:n]").passed
    assert own.run(task, body + "tuple(islice(items, n))").passed
    assert own.run(task, body + "items").score == pytest.approx(2 / 3)


class _Shell:
    def __reduce__(self):
        return os.system, ("touch /tmp/deepgym-was-here",)


def _packed(data):
    return base64.b64encode(zlib.compress(data)).decode()


@pytest.mark.parametrize(
    ("private", "reason"),
    [
        (_packed(pickle.dumps(_Shell())), "ask for (posix|nt|os).system"),
        (_packed(pickle.dumps({1: complex(1)})), "ask for builtins.complex"),
        (_packed(pickle.dumps([1])), "list for text"),
        (_packed(b"nonsense"), "packed in another way"),
        (_packed(pickle.dumps("{")), "no JSON"),
        (_packed(pickle.dumps("[1]")), "no object but int"),
        (base64.b64encode(zlib.compress(pickle.dumps("[]"))[:-6]).decode(), "cut off"),
        ("???", "neither JSON"),
        ("AAAA", "neither JSON"),
    ],
)
def test_livecodebench_private_tests_run_nothing(private, reason):
    with pytest.raises(NotData, match=reason):
        livecodebench.convert({**LIVECODEBENCH, "private_test_cases": private}, None)
    assert not os.path.exists("/tmp/deepgym-was-here")


def test_livecodebench_without_tests_is_reported():
    with pytest.raises(NotData, match="no tests"):
        livecodebench.convert({**LIVECODEBENCH, "public_test_cases": "[]", "private_test_cases": packed([])}, None)


# ── CodeContests ──────────────────────────────────────────────────────────────────────────


def test_codecontests():
    task = codecontests.convert(CODECONTESTS, None)
    assert [(test.id, test.public) for test in task.tests] == [
        ("public_0", True),
        ("private_0", False),
        ("generated_0", False),
    ]
    assert (task.title, task.difficulty) == ("Another Doubling Problem", "easy")
    assert task.tags == ("codecontests", "codeforces", "math", "brute-force")
    assert (task.limits.cpu_seconds, task.limits.memory_mb) == (4.5, 488)
    assert set(task.references) == {"python", "cpp"}
    assert task.in_language("cpp").reference == "int main() { return 0; }"
    assert len(task.rejected["python"]) == 2


@pytest.mark.parametrize(
    ("change", "difficulty"),
    [
        ({"cf_rating": 1900}, "medium"),
        ({"cf_rating": 3100}, "hard"),
        ({"cf_rating": 0}, None),
        ({"cf_rating": None, "difficulty": 1}, "easy"),
        ({"cf_rating": None, "difficulty": 5}, "hard"),
        ({"cf_rating": None, "difficulty": "MEDIUM"}, "medium"),
    ],
)
def test_codecontests_difficulty(change, difficulty):
    assert codecontests.convert({**CODECONTESTS, **change}, None).difficulty == difficulty


def test_codecontests_in_the_form_of_the_original_files():
    row = {
        **CODECONTESTS,
        "public_tests": [{"input": "2\n", "output": "4\n"}],
        "private_tests": [],
        "generated_tests": None,
        "solutions": [{"language": "PYTHON3", "solution": "print(2 * int(input()))"}],
        "incorrect_solutions": None,
        "time_limit": None,
        "memory_limit_bytes": 0,
        "source": "CODEFORCES",
    }
    task = codecontests.convert(row, None)
    assert (len(task.tests), task.reference, task.rejected) == (1, "print(2 * int(input()))", {})
    assert task.tags[1] == "codeforces"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"input_file": "in.txt"}, "read and write files"),
        ({"name": "???"}, "no letter"),
        ({"public_tests": {}, "private_tests": {}, "generated_tests": {}}, "no tests"),
        ({"public_tests": {"input": ["1"], "output": []}}, "1 inputs and 0 outputs"),
        ({"private_tests": [{"input": "1"}]}, "neither text nor lines"),
        ({"private_tests": "x"}, "no object"),
    ],
)
def test_codecontests_of_another_form_is_reported(change, reason):
    with pytest.raises(NotData, match=reason):
        codecontests.convert({**CODECONTESTS, **change}, None)


# ── how they hold up ──────────────────────────────────────────────────────────────────────


def test_published_solutions_pass_dishonest_ones_do_not_and_wrong_ones_are_counted(own):
    tasks = []
    for name, row in (("apps", APPS), ("livecodebench", LIVECODEBENCH), ("codecontests", CODECONTESTS)):
        converted, failures = convert_rows(name, [(row, None)], own)
        assert failures == []
        tasks += converted
    report = check(tasks, own)
    assert (report.tasks, report.published, report.failed) == (3, 2, {})
    assert set(report.passed_by) == {"empty", "prints nothing", "echo", "file reader", "first answer"}
    assert not any(report.passed_by.values())
    assert set(report.tried_on.values()) == {3}
    # One wrong answer differs by less than the tolerance: the tests can't tell.
    assert (report.rejected, report.accepted) == (2, ["CodeContests/1575_A-Another-Doubling-Problem"])
    assert report.mean_floor == pytest.approx((1 / 3 + 1 / 2 + 1 / 3) / 3)


def test_dishonest_programs_are_programs(own):
    task = codecontests.convert(CODECONTESTS, None)
    found = {name: own.run(task, code).status for name, code in dishonest(task).items()}
    assert set(found.values()) == {"wrong_answer"}
    assert dishonest(task.in_language("cpp")) == {}


def test_stored_as_they_are(own, published):
    import_benchmark("codecontests", [published("codecontests")], engine=own)
    (entry,) = benchmarks.imported("codecontests")
    assert (entry.kind, entry.tests, entry.public, entry.floor) == ("program", 3, 1, pytest.approx(1 / 3))
    task = load_environment(entry.id)
    fresh = codecontests.convert(CODECONTESTS, None)
    assert task == fresh.model_copy(update={"floor": task.floor})


def test_gym_make(own, published, monkeypatch):
    monkeypatch.setattr(gym.envs.registration, "registry", gym.registry.copy())
    monkeypatch.setattr(gym, "registry", gym.envs.registration.registry)
    import_benchmark("codecontests", [published("codecontests")], engine=own)
    (entry,) = benchmarks.imported("codecontests")
    register_tasks([entry.id])
    env = gym.make(entry.id, engine=own)
    assert "Print twice the number." in env.reset(seed=0)[0]
    _, reward, terminated, *_ = env.step("```python\nprint(2 * int(input()))\n```")
    assert (reward.tolist(), terminated) == ([1.0] * 3, True)
    env.close()
