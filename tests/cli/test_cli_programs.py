from __future__ import annotations

import json

import pytest

ROW = {
    "name": "1_A. Double",
    "description": "Print twice the number.",
    "public_tests": {"input": ["2\n"], "output": ["4\n"]},
    "private_tests": {"input": ["5\n"], "output": ["10\n"]},
    "generated_tests": {"input": [], "output": []},
    "solutions": {"language": [3], "solution": ["print(2 * int(input()))"]},
    "incorrect_solutions": {"language": [3], "solution": ["print(4)"]},
}


@pytest.fixture
def imported(deepgym, tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPGYM_HOME", str(tmp_path / "home"))
    file = tmp_path / "valid.jsonl"
    file.write_text(json.dumps(ROW))
    assert deepgym("import", "codecontests", "--file", file).exit_code == 0
    return "CodeContests/1_A-Double"


def test_a_program_is_listed_and_shown(deepgym, imported):
    (listed,) = json.loads(deepgym("list", "--benchmark", "codecontests", "--json").stdout)
    assert (listed["id"], listed["kind"], listed["tests"]) == (imported, "program", 2)
    shown = deepgym("show", imported).stdout
    for part in ("Print twice", "standard input", "expected stdout", "word by word", "python"):
        assert part in shown
    described = json.loads(deepgym("show", imported, "--json").stdout)
    assert described["public_tests"] == [{"id": "public_0", "stdin": "2\n", "expected": "4\n"}]
    assert (described["language"], described["kind"]) == ("python", "program")
    assert "10" not in json.dumps(described["public_tests"])


def test_a_program_is_run(deepgym, imported):
    result = deepgym("run", imported, "--solution", "-", stdin="print(2 * int(input()))")
    assert result.exit_code == 0, result.output
    result = deepgym("run", imported, "--solution", "-", stdin="print(input())")
    assert result.exit_code == 1
    assert "word 1: expected '4', got '2'" in result.stdout
    assert "10" not in result.stdout.partition("wrong_answer  ·")[0].replace("100", "")


def test_a_benchmark_of_programs_is_checked(deepgym, imported):
    checked = deepgym("benchmarks", "check", "codecontests")
    assert checked.exit_code == 0, checked.output
    for row in ("published solution", "echo", "first answer", "file reader", "published as wrong"):
        assert row in checked.stdout
    told = json.loads(deepgym("benchmarks", "check", "codecontests", "--json").stdout)
    assert (told["published_solutions"], told["published_solutions_passed"], told["published_as_wrong"]) == (1, 1, 1)
    assert told["passed_by_what_is_published_as_wrong"] == []


def test_a_program_is_audited(deepgym, imported):
    result = deepgym("audit", imported, "-s", "memorised_examples", "-s", "empty", "--runs", 2)
    assert result.exit_code == 0, result.output
    for part in ("robust", "correct solution  1.00", "best constant, hidden answers too  0.50", "by heart  0.50"):
        assert part in result.stdout


def test_an_audit_finds_a_program_task_weak(deepgym, imported, tmp_path):
    task = tmp_path / "weak"
    assert deepgym("new", "weak", "--kind", "program", "--dir", tmp_path).exit_code == 0
    for path in (task / "tests").iterdir():
        if path.stem not in ("example", "one_word"):
            path.unlink()
        elif path.suffix == ".out":
            path.write_text("same\n")
    result = deepgym("audit", task, "-s", "memorised_examples", "-s", "constants", "--runs", 2, "--json")
    assert result.exit_code == 1, result.output
    told = json.loads(result.stdout)
    assert (told["kind"], told["floor"]["answer"], told["signs"]["constant_score"]) == ("program", r"'same\n'", 1.0)


def test_an_audit_says_what_it_can_not(refused, imported, tmp_path, deepgym):
    assert "functions tested by calls" in refused("audit", imported, "--mutants")
    assert deepgym("new", "other", "--kind", "program", "--dir", tmp_path).exit_code == 0
    meta = tmp_path / "other" / "task.toml"
    meta.write_text(meta.read_text().replace('language = "python"', 'language = "bash"'))
    assert "attacks are written in Python" in refused("audit", tmp_path / "other")
