"""``deepgym run``: tables, JSON, exit codes."""

import json

import pytest

from deepgym_env import DeepGym, load_task
from deepgym_env.cli.console import visible


@pytest.fixture
def solution(tmp_path):
    def write(text):
        path = tmp_path / "solution.py"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_right_solution_exits_with_0(deepgym, solution, coin_change):
    result = deepgym("run", "DeepGym/coin_change", "--solution", solution(coin_change.reference))
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    for test in coin_change.tests:
        row = next(line for line in result.stdout.splitlines() if line.strip().startswith(f"{test.id} "))
        assert "passed" in row
        assert ("public" if test.public else "hidden") in row
    assert "score 1.000" in result.stdout


def test_wrong_solution_exits_with_1_and_shows_public_answers_only(deepgym, solution, square_task):
    result = deepgym("run", square_task, "-s", solution("def square(x): return x + 7777"))
    assert result.exit_code == 1, result.output
    assert "square(3) → 7780 (expected 9)" in result.stdout
    hidden = next(line for line in result.stdout.splitlines() if line.strip().startswith("secret"))
    assert hidden.split() == ["secret", "hidden", "wrong_answer"]
    assert "0 of 3 tests passed" in result.stdout


def test_json_is_the_protocol_and_all_there_is(deepgym, solution):
    code = "def coin_change(coins, amount):\n    return -1"
    result = deepgym("run", "coin_change", "--solution", solution(code), "--json", "--seed", "5")
    with DeepGym(workers=1) as engine:
        expected = engine.run(load_task("coin_change", 5), code)
    assert result.exit_code == 1
    shown = json.loads(result.stdout)
    assert shown.pop("status") == expected.status
    assert shown.pop("has_verdict") is True
    assert shown == expected.to_protocol()
    assert shown["seed"] == 5


def test_stdin_with_a_fenced_block(deepgym, square_task):
    text = "Squares are easy:\n```python\ndef square(x):\n    return x ** 2\n```\nDone."
    assert deepgym("run", square_task, "--solution", "-", stdin=text).exit_code == 0


@pytest.mark.parametrize(
    ("code", "status"),
    [("", "no_code"), ("def f(:", "syntax_error"), ("import nope", "exception"), ("x = '\ufeff'", "exception")],
)
def test_code_that_never_runs_gets_one_line(deepgym, square_task, code, status):
    result = deepgym("run", square_task, "--solution", "-", stdin=code)
    assert result.exit_code == 1
    assert result.stdout.startswith(status)
    assert result.stdout.count("\n") == 1


def test_a_byte_order_mark_is_no_code(deepgym, square_task):
    code = b"\xef\xbb\xbfdef square(x): return x * x"
    assert deepgym("run", square_task, "--solution", "-", stdin=code).exit_code == 0


def test_what_a_submission_prints_can_not_drive_the_terminal(deepgym, square_task):
    code = "def square(x):\n    print('\\x1b[2J[red]\\u202e')\n    raise ValueError('\\x1b]0;x\\x07[bold]')"
    result = deepgym("run", square_task, "--solution", "-", stdin=code)
    assert result.exit_code == 1
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout
    assert r"\x1b[2J[red]\u202e" in result.stdout
    assert "[bold]" in result.stdout


def test_visible_keeps_lines_and_letters():
    assert visible("naïve 漢字\n\ttab") == "naïve 漢字\n\ttab"


def test_unreadable_solutions(refused, solution, tmp_path):
    assert "--solution takes a file, or - for stdin" in refused("run", "coin_change", "--solution", tmp_path / "none")
    assert "Is a directory" in refused("run", "coin_change", "--solution", tmp_path)
    assert "not UTF-8 text (byte 3)" in refused("run", "coin_change", "--solution", solution(b"x =\xff"))
    assert "not UTF-8 text" in refused("run", "coin_change", "--solution", "-", stdin=b"\x80")
    assert "longer than 16 MiB" in refused("run", "coin_change", "--solution", "/dev/zero")


def test_no_sandbox_is_no_verdict_and_exits_with_3(refused, deepgym, no_sandbox, square_task):
    line = refused("run", square_task, "--solution", "-", stdin="x = 1", code=3)
    assert "no verdict: can't start /nonexistent/python" in line
    assert "deepgym doctor" in line
    result = deepgym("run", square_task, "--solution", "-", "--json", stdin="x = 1")
    assert result.exit_code == 3
    shown = json.loads(result.stdout)
    assert (shown["status"], shown["has_verdict"], shown["score"]) == ("infrastructure_error", False, None)


def test_too_little_isolation_exits_with_3(refused, deepgym, weak_sandbox, square_task):
    assert "isolation is 'none', 'process' was asked for" in refused(
        "run", square_task, "--solution", "-", stdin="x = 1", code=3
    )
    allowed = deepgym(
        "run", square_task, "--solution", "-", "--min-isolation", "none", stdin="def square(x): return x*x"
    )
    assert allowed.exit_code == 0, allowed.output
