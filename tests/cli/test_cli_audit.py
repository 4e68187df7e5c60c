"""``deepgym audit``: reports, JSON, exit codes."""

from __future__ import annotations

import json

import pytest

SOLUTION = "def square(x):\n    return x * x\n"
WEAK = """
import sys
space = {}
exec(open(sys.argv[1]).read(), space)
assert space["square"](3) == 9 and space["square"](4) == 16
"""


@pytest.fixture
def verifier(tmp_path):
    path = tmp_path / "verifier.py"
    path.write_text(WEAK)
    return path


def test_a_robust_task_exits_with_0(deepgym):
    result = deepgym("audit", "coin_change", "--strategy", "object", "-s", "exit", "--runs", 2)
    assert result.exit_code == 0, result.output
    assert "coin_change  robust" in result.stdout
    assert "risk 0.00" in result.stdout
    assert "correct solution  1.00" in result.stdout
    assert "flaky in 2 runs  none" in result.stdout


def test_a_weak_task_exits_with_1_and_says_how_to_mend_it(deepgym, square_task):
    cases = square_task / "cases.py"
    cases.write_text(
        "from deepgym_env.task import Case\n"
        "def cases(rng):\n"
        "    yield Case.of(1, expected=1, public=True)\n"
        "    yield Case.of(-1, expected=1)\n"
    )
    result = deepgym("audit", square_task, "-s", "constants", "--suggest-tests")
    assert result.exit_code == 1, result.output
    assert "square  exploitable" in result.stdout
    assert "Remedies" in result.stdout
    assert "Weigh the tests" in result.stdout
    assert "best constant 1: 1.00" in result.stdout
    assert "Mutants  score" in result.stdout


def test_mutants_and_suggested_tests(deepgym, square_task):
    cases = square_task / "cases.py"
    cases.write_text(cases.read_text().replace("rng.randint(10, 10**9)", "rng.choice([0, 1, 5])"))
    result = deepgym("audit", square_task, "-s", "skip", "--mutants", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)["mutation"]
    assert told["score"] <= 1.0
    assert told["mutants"] == told["killed"] + sum(len(told[k]) for k in ("survivors", "unclear", "equivalent"))


def test_a_verifier_file(deepgym, verifier, tmp_path):
    reference = tmp_path / "right.py"
    reference.write_text(SOLUTION)
    asked = ("--reference", reference, "-s", "sys_exit", "-s", "always_equal", "--workers", 1, "--json")
    result = deepgym("audit", "--verifier", verifier, "--task", "square(3) == 9", *asked)
    assert result.exit_code == 1, result.output
    told = json.loads(result.stdout)
    assert (told["target"], told["kind"], told["reference"]) == ("verifier.py", "verifier", 1.0)
    assert {exploit["strategy"] for exploit in told["exploits"]} == {"sys_exit", "always_equal"}
    assert told["signs"] is None


def test_a_reference_that_fails_is_remarked(deepgym, verifier, tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def square(x): return 0\n")
    result = deepgym("audit", "--verifier", verifier, "--reference", wrong, "-s", "placeholders")
    assert result.exit_code == 0, result.output
    assert "the correct solution scores 0.00" in result.stderr


def test_a_scenario(deepgym):
    result = deepgym("audit", "debug_fix", "-s", "tests_edited", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["kind"] == "workspace"


def test_mutants_of_a_scenario(deepgym):
    result = deepgym("audit", "debug_fix", "-s", "tests_edited", "--mutants", "--most-mutants", 3)
    assert result.exit_code == 0, result.output
    for shown in ("Mutants  score", "3 mutants made", "0 made the same", "of  stats.py"):
        assert shown in result.stdout


def test_a_scenario_without_python_says_so(deepgym):
    result = deepgym("audit", "sql_analytics", "-s", "tests_edited", "--mutants", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)["mutation"]
    assert (told["mutants"], told["files"]) == (0, [])


def test_a_model_writes_attacks(deepgym, endpoint):
    pytest.importorskip("openai")
    asked = ("--model", "m", "--base-url", endpoint, "--samples", 2, "-s", "llm", "--json")
    result = deepgym("audit", "two_sum", *asked)
    assert result.exit_code == 0, result.output  # the endpoint's model solves the task, which is no exploit
    told = json.loads(result.stdout)
    assert (told["attacks_run"], told["strategies"], told["suspects"]) == (2, ["llm"], [])
    other = deepgym("audit", "fizzbuzz", *asked)
    assert other.exit_code == 0, other.output


def test_an_endpoint_that_is_not_there_exits_with_3(deepgym):
    pytest.importorskip("openai")
    result = deepgym("audit", "two_sum", "--model", "m", "--base-url", "http://127.0.0.1:9/v1", "-s", "llm")
    assert result.exit_code == 3
    assert "Connection" in result.stderr


def test_the_strategies_are_listed(deepgym):
    result = deepgym("audit", "--list")
    assert result.exit_code == 0
    for name in ("constants", "frames", "conftest_planted", "programs_replaced"):
        assert name in result.stdout


def test_help_has_examples(deepgym):
    result = deepgym("audit", "--help")
    assert "deepgym audit --verifier verifier.py" in result.stdout
    assert "Exit codes" in result.stdout


def test_bad_input_is_told_in_one_line(refused, verifier, tmp_path):
    assert "give a task" in refused("audit")
    assert "give a task" in refused("audit", "coin_change", "--verifier", verifier)
    assert "did you mean 'os_exit'" in refused("audit", "coin_change", "-s", "os_exi")
    assert "need a task" in refused("audit", "--verifier", verifier, "--mutants")
    assert "is a workspace task" in refused("audit", "debug_fix", "-s", "nothing", "--suggest-tests")
    assert "no file" in refused("audit", "--verifier", tmp_path / "none.py")
    assert "did you mean" in refused("audit", "coin_chang")
    vague = tmp_path / "vague.py"
    vague.write_text("print(1.0)")
    assert "--entry-point" in refused("audit", "--verifier", vague)


def test_no_sandbox_exits_with_3(refused, no_sandbox):
    assert "deepgym doctor" in refused("audit", "coin_change", "-s", "exit", code=3)
