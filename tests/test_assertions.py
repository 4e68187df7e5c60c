"""Published test code, split into tests."""

from __future__ import annotations

import pytest

from deepgym_env.assertions import split_check, split_statements
from deepgym_env.errors import TaskError


def codes(source: str) -> list[str]:
    return [test.code for test in split_statements(source, "f")]


def test_each_assertion_is_a_test() -> None:
    found = split_check("METADATA = {}\n\ndef check(c):\n    assert c(1) == 2, 'one'\n    assert c(2)\n", "f")
    assert [test.id for test in found] == ["assert_0", "assert_1"]
    assert [test.code for test in found] == ["assert candidate(1) == 2, 'one'", "assert candidate(2)"]


def test_what_stands_between_runs_before_what_follows() -> None:
    assert codes("a = 1\nassert f(a)\nb = 2\nassert f(b)") == ["a = 1\nassert f(a)", "a = 1\nb = 2\nassert f(b)"]


def test_a_loop_is_one_test_and_runs_for_itself_only() -> None:
    assert codes("for n in range(3):\n    assert f(n)\nassert f(9)") == [
        "for n in range(3):\n    assert f(n)",
        "assert f(9)",
    ]


def test_what_can_not_be_split_is_one_test() -> None:
    source = "for n in range(3):\n    last = f(n)\n    assert last\nassert last == f(2)"
    assert codes(source) == [source]


SAYS_NOTHING = [
    "assert True, 'prints'",
    "assert 1",
    "pass",
    "'text'",
    "assert f(1) == candidate(1)",
    "assert [f(2)] == [f(2)]",
]


@pytest.mark.parametrize("vacuous", SAYS_NOTHING)
def test_what_says_nothing_is_left_out(vacuous: str) -> None:
    assert codes(f"{vacuous}\nassert f(3) == 4") == ["assert f(3) == 4"]
    with pytest.raises(TaskError, match="asserts nothing"):
        split_statements(vacuous, "f")


@pytest.mark.parametrize("source", ["x = 1", "def check(): pass"])
def test_no_check(source: str) -> None:
    with pytest.raises(TaskError, match="no function check"):
        split_check(source, "f")


def test_no_python() -> None:
    with pytest.raises(TaskError, match="no Python"):
        split_statements("assert f( == 1", "f")
