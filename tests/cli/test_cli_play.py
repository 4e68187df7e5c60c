"""``deepgym play`` and ``deepgym rollout``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deepgym_env import load_task

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def test_a_person_works_in_a_workspace(deepgym):
    typed = [
        "echo one >> notes; cat notes",
        ":write a/b.txt",
        "first",
        "second",
        ".",
        ":read a/b.txt",
        ":files a",
        ":tests",
        ":nonsense",
        '{"name": "bash", "arguments": {"command": "echo by-json"}}',
        ":help",
        ":submit",
        "echo not reached",
    ]
    result = deepgym("play", "debug_fix", stdin="\n".join(typed))
    assert result.exit_code == 1
    for text in ("one", "first\nsecond", "a/b.txt (13 bytes)", "Public tests: 0 of 2", "by-json", ":write PATH"):
        assert text in result.stdout
    assert "not reached" not in result.stdout
    assert "there is no :nonsense" in result.stderr
    assert "score 0.00: 0 of 9 tests pass after 7 turns" in result.stderr


def test_a_person_writes_a_function(deepgym, tmp_path):
    file = tmp_path / "solution.py"
    file.write_text(load_task("two_sum").reference)
    typed = [
        ":run",
        "print(6 * 7)",
        ".",
        ":submit",
        "def two_sum(n, t): return []",
        ".",
        ":submit /no/such",
        f":submit {file}",
    ]
    result = deepgym("play", "two_sum", stdin="\n".join(typed))
    assert result.exit_code == 0
    assert "42" in result.stdout
    assert "Hidden tests:" in result.stdout
    assert "can't be read" in result.stderr
    assert "after 3 turns" in result.stderr


@pytest.mark.parametrize("end", ["", ":quit\n"])
def test_giving_up(deepgym, end):
    result = deepgym("play", "debug_fix", stdin=end)
    assert result.exit_code == 1
    assert "score 0.00" in result.stderr


def test_a_script_plays(deepgym):
    result = deepgym("play", "debug_fix", "--script", str(SCENARIOS / "debug_fix" / "solve.py"))
    assert result.exit_code == 0
    assert "All 9 tests passed." in result.stdout


def test_a_script_without_solve_is_refused(deepgym, tmp_path):
    (tmp_path / "empty.py").write_text("x = 1\n")
    result = deepgym("play", "debug_fix", "--script", str(tmp_path / "empty.py"))
    assert result.exit_code == 2
    assert "def solve()" in result.stderr


def test_a_model_plays(deepgym, endpoint, tmp_path):
    log = tmp_path / "episodes.jsonl"
    options = ["--model", "m", "--base-url", endpoint, "-n", "3", "--concurrency", "2", "--log", str(log), "--json"]
    result = deepgym("rollout", "two_sum", *options)
    assert result.exit_code == 0, result.stderr
    rows = json.loads(result.stdout)
    assert [(row["end"], row["score"], row["turns"], row["tokens"]) for row in rows] == [("solved", 1.0, 1, 7)] * 3
    assert len(log.read_text().splitlines()) == 3


def test_an_endpoint_that_is_not_there_is_no_verdict(deepgym):
    result = deepgym("rollout", "two_sum", "--model", "m", "--base-url", "http://127.0.0.1:9/v1")
    assert result.exit_code == 3
    assert "policy_error" in result.stdout
    assert "Connection" in result.stderr
