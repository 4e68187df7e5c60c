from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepgym_env.judge.printed import Printed
from deepgym_env.task import StdioComparison

KINDS = ("lines", "tokens", "float", "decimal")
WRONG, RIGHT = False, True


def right(expected, printed, **how):
    return Printed(expected, StdioComparison(**how)).difference(printed) is None


@pytest.mark.parametrize(
    ("expected", "printed", "lines", "tokens", "floats", "decimal"),
    [
        ("1\n2\n", "1\n2", RIGHT, RIGHT, RIGHT, RIGHT),
        ("1\n2", "1  \r\n2\t\n\n\n", RIGHT, RIGHT, RIGHT, RIGHT),
        ("", "", RIGHT, RIGHT, RIGHT, RIGHT),
        ("", " \n", RIGHT, RIGHT, RIGHT, RIGHT),
        ("", "0", WRONG, WRONG, WRONG, WRONG),
        ("0", "", WRONG, WRONG, WRONG, WRONG),
        ("1\n2", "1 2", WRONG, RIGHT, RIGHT, WRONG),
        ("1 2", "1  2", WRONG, RIGHT, RIGHT, RIGHT),
        ("a b", "a  b", WRONG, RIGHT, RIGHT, WRONG),
        ("1\n2", "1\n\n2", WRONG, RIGHT, RIGHT, WRONG),
        ("1", "  1", WRONG, RIGHT, RIGHT, RIGHT),
        ("1 2 3", "1 2", WRONG, WRONG, WRONG, WRONG),
        ("1 2", "1 2 3", WRONG, WRONG, WRONG, WRONG),
        ("1", "1.0", WRONG, WRONG, RIGHT, RIGHT),
        ("0.5", ".50", WRONG, WRONG, RIGHT, RIGHT),
        ("1e3", "1000", WRONG, WRONG, RIGHT, RIGHT),
        ("7", "007", WRONG, WRONG, RIGHT, RIGHT),
        ("0.333333333333", "0.333333333334", WRONG, WRONG, RIGHT, WRONG),
        ("0.3", "0.31", WRONG, WRONG, WRONG, WRONG),
        ("100000000000000000000", "100000000000000000001", WRONG, WRONG, WRONG, WRONG),
        ("YES", "yes", WRONG, WRONG, WRONG, WRONG),
        ("x 1.0", "x 1", WRONG, WRONG, RIGHT, WRONG),
        ("nan", "nan", RIGHT, RIGHT, RIGHT, RIGHT),
        ("nan", "0", WRONG, WRONG, WRONG, WRONG),
        ("1", "nan", WRONG, WRONG, WRONG, WRONG),
        ("1e999", "1e998", WRONG, WRONG, WRONG, WRONG),
        ("1e999", "10e998", WRONG, WRONG, RIGHT, RIGHT),
        ("1000", "1_000", WRONG, WRONG, WRONG, WRONG),
        ("3", "٣", WRONG, WRONG, WRONG, WRONG),
        ("1 2", "1\u00a02", WRONG, WRONG, WRONG, WRONG),
        ("1", "1\0", WRONG, WRONG, WRONG, WRONG),
        ("é", "é\n", RIGHT, RIGHT, RIGHT, RIGHT),
    ],
)
def test_each_kind_has_its_own_idea_of_right(expected, printed, lines, tokens, floats, decimal):
    verdicts = [right(expected, printed, kind=kind) for kind in KINDS]
    assert verdicts == [lines, tokens, floats, decimal]


def test_tolerances_are_relative_or_absolute():
    assert right("1000000.0", "1000001.0", kind="float", rel_tol=1e-5)
    assert not right("1000000.0", "1000001.0", kind="float", rel_tol=1e-7)
    assert right("0.0", "0.001", kind="float", rel_tol=0, abs_tol=0.01)
    assert right("3", "2.9999999999", kind="float")
    assert not right("3", "4", kind="float", rel_tol=1)  # whole numbers


def test_case_counts_unless_it_does_not():
    assert right("YES 1\n", "yEs 1", ignore_case=True)
    assert not right("YES", "NO", ignore_case=True)


@pytest.mark.parametrize(
    ("kind", "expected", "printed", "told"),
    [
        ("lines", "1\n2\n3", "1\n4\n3", "line 2: expected '2', got '4'"),
        ("lines", "1\n2", "1", "line 2: expected '2', got no more"),
        ("tokens", "1 2", "1 2 3", "word 3: expected no more, got '3'"),
        ("lines", "1", "x" * 1000, f"line 1: expected '1', got '{'x' * 59}…'"),
    ],
)
def test_the_first_difference_is_told(kind, expected, printed, told):
    assert Printed(expected, StdioComparison(kind=kind)).difference(printed) == told


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "hostile",
    [
        "9" * 1_000_000,
        "1e" + "9" * 1_000_000,
        "-" * 1_000_000,
        " " * 1_000_000,
        " \n" * 500_000,
        "1 " * 500_000,
        "." + "0" * 1_000_000 + "e",
        "\0" * 1_000_000,
        "\ud800" * 1000,
    ],
    ids=["digits", "exponent", "signs", "spaces", "lines", "words", "zeros", "nul", "surrogates"],
)
def test_no_output_upsets_it(kind, hostile):
    how = StdioComparison(kind=kind, ignore_case=True)
    assert Printed("1.5 2\n3", how).difference(hostile) is not None
    assert Printed(hostile, how).difference(hostile) is None


@settings(max_examples=50)
@given(st.text(st.sampled_from("01.eE+- \n\tax\0é"), max_size=30), st.text(max_size=30), st.sampled_from(KINDS))
def test_it_is_reflexive_and_total(text, other, kind):
    assert right(text, text, kind=kind)
    assert right(text, other, kind=kind) == right(other, text, kind=kind)
