from __future__ import annotations

import json

import pytest

ROW = {
    "task_id": "HumanEval/900",
    "prompt": 'def add_one(x):\n    """ Add one. """\n',
    "entry_point": "add_one",
    "canonical_solution": "    return x + 1\n",
    "test": "def check(candidate):\n    assert candidate(1) == 2\n    assert candidate(2) == 3\n",
}
SAYS_NOTHING = {**ROW, "task_id": "HumanEval/901", "test": "def check(candidate):\n    import random\n"}


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPGYM_HOME", str(tmp_path / "home"))
    path = tmp_path / "HumanEval.jsonl"
    path.write_text("\n".join(map(json.dumps, [ROW, SAYS_NOTHING])))
    return path


def test_import_says_what_became_of_the_rows(deepgym, file):
    result = deepgym("import", "humaneval", "--file", file)
    assert result.exit_code == 0, result.output
    assert "1 tasks with 2 tests: HumanEval/..." in result.stdout
    assert "HumanEval/901: the test code asserts nothing of the submission" in result.stdout
    told = json.loads(deepgym("import", "humaneval", "--file", file, "--json").stdout)
    assert (told["tasks"], told["tests"]) == (1, 2)
    assert told["failures"] == [{"row": "HumanEval/901", "reason": "the test code asserts nothing of the submission"}]


def test_what_was_imported_is_listed_shown_run_and_checked(deepgym, file):
    deepgym("import", "humaneval", "--file", file, "--limit", 1)
    (row,) = [row for row in json.loads(deepgym("benchmarks", "--json").stdout) if row["tasks"]]
    assert (row["name"], row["tests"], row["mean_floor"]) == ("humaneval", 2, 0.5)
    assert "HumanEval/..." in deepgym("benchmarks").stdout
    (listed,) = json.loads(deepgym("list", "--benchmark", "humaneval", "--json").stdout)
    assert (listed["id"], listed["gym_id"], listed["difficulty"]) == ("HumanEval/900", "HumanEval/900", None)
    assert "HumanEval/900" in deepgym("list", "--benchmark", "HumanEval").stdout
    assert "Add one" in deepgym("show", "HumanEval/900").stdout
    result = deepgym("run", "HumanEval/900", "--solution", "-", stdin="def add_one(x): return x + 1.0")
    assert result.exit_code == 0, result.output
    assert deepgym("run", "HumanEval/900", "--solution", "-", stdin="def add_one(x): return 2").exit_code == 1
    checked = deepgym("benchmarks", "check", "humaneval")
    assert checked.exit_code == 0, checked.output
    assert json.loads(deepgym("benchmarks", "check", "humaneval", "--json").stdout)["published_solutions_passed"] == 1


def test_a_published_solution_that_fails_is_told(deepgym, file):
    file.write_text(json.dumps({**ROW, "canonical_solution": "    return x\n"}))
    deepgym("import", "humaneval", "--file", file)
    result = deepgym("benchmarks", "check", "humaneval")
    assert result.exit_code == 1
    assert "HumanEval/900 (wrong_answer)" in result.stdout


def test_a_solution_that_cheats_is_told(deepgym, file, monkeypatch):
    from deepgym_env.benchmarks import canon

    deepgym("import", "humaneval", "--file", file)
    monkeypatch.setattr(canon, "dishonest", lambda task: {"leaked": "def add_one(x): return x + 1"})
    result = deepgym("benchmarks", "check", "humaneval")
    assert (result.exit_code, "1 tasks were cheated" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("import", "humaneval", "--file", "missing.jsonl"), "no file 'missing.jsonl'"),
        (("import", "nonsense", "--file", "x"), "nonsense"),
        (("import", "humanevalplus"), "--file"),
        (("benchmarks", "check", "mbpp"), "deepgym import mbpp --file"),
        (("list", "--benchmark", "mbpp"), "deepgym import mbpp --file"),
        (("list", "--benchmark", "nonsense"), "no benchmark 'nonsense'"),
        (("run", "MBPP/1", "--solution", "-"), "deepgym import mbpp --file"),
    ],
)
def test_bad_input_says_what_to_do(refused, file, args, message):
    assert message in refused(*args)
