from __future__ import annotations

import json
import math
import time
from collections import Counter, OrderedDict, deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepgym_env.judge.compare import Expected, matches, summarize
from deepgym_env.sandbox.runner import codec
from deepgym_env.task import Comparison

KINDS = ("exact", "float", "unordered")
WRAPS = (lambda x: [x], lambda x: (x,), lambda x: {x}, lambda x: {"k": [x]})
TYPED = [
    (1, True),
    (1, 1.0),
    (0, False),
    ("1", 1),
    ("a", b"a"),
    ([1], (1,)),
    ({1}, frozenset({1})),
    ({1: 2}, OrderedDict({1: 2})),
    ({"a": 1}, Counter("a")),
    ([1], deque([1])),
    (None, False),
    ([], {}),
    ([1, [True]], [1, [1]]),
    ({1: 1}, {True: 1}),
    (range(3), [0, 1, 2]),
]


def right(expected, output, kind="exact", **options):
    check = options.pop("check", None)
    args = options.pop("args", ())
    answer = output if isinstance(output, Raw) else codec.encode(output).encode()
    return matches(Expected(expected), bytes(answer), Comparison(kind=kind, **options), check, args)


class Raw(bytes):
    """An answer sent as these very bytes."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("left", "other"), TYPED)
def test_types_are_strict(kind, left, other):
    assert right(left, left, kind)
    assert right(other, other, kind)
    assert not right(left, other, kind)
    assert not right(other, left, kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrap", [float, *WRAPS], ids=["bare", "list", "tuple", "set", "dict"])
def test_minus_zero_is_zero_wherever_it_stands(kind, wrap):
    assert right(wrap(0.0), wrap(-0.0), kind)
    assert not right(wrap(0.0), wrap(1.0), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_nan_equals_itself(kind):
    assert right(math.nan, math.nan, kind)
    assert right([math.nan], [math.nan], kind)
    assert not right(math.nan, 0.0, kind)
    assert not right(0.0, math.nan, kind)
    assert not right(math.inf, -math.inf, kind)


@pytest.mark.parametrize("value", [{1, 2, 3}, {"a": [1], "b": {2}}, frozenset("abc"), [2**70, -(2**70)], "\ud800", 1j])
def test_equal_values_match(value):
    assert right(value, value)


def test_order_in_a_dict_does_not_count_but_in_an_ordered_dict_does_not_either():
    assert right({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert right(OrderedDict(a=1, b=2), OrderedDict(b=2, a=1))


# ── float ─────────────────────────────────────────────────────────────────────────────────


def test_floats_match_within_a_tolerance():
    assert right(1.0, 1.0 + 1e-12, "float")
    assert not right(1.0, 1.001, "float")
    assert right(1.0, 1.001, "float", rel_tol=0.01)
    assert right(0.0, 0.5, "float", abs_tol=0.5)
    assert not right(0.0, 1e-300, "float", abs_tol=0.0)
    assert right(0.1 + 0.2, 0.3, "float")
    assert not right(0.1 + 0.2, 0.3)


def test_the_tolerance_reaches_everywhere():
    near = 1.0 + 1e-12
    assert right([1.0, (1.0,), {"a": 1.0}], [near, (near,), {"a": near}], "float")
    assert not right([1.0, {"a": 1.0}], [near, {"a": 1.1}], "float")
    assert right(math.inf, math.inf, "float")
    assert not right(math.inf, 1e308, "float")


def test_the_tolerance_is_for_floats_only():
    assert not right(10**9, 10**9 + 1, "float", rel_tol=0.5)
    assert not right(1.0, 1, "float")
    assert not right("1.0", "1.00", "float")


def test_complex_numbers_have_the_tolerance_too():
    assert right(1 + 2j, 1 + 2j, "float")
    assert right(complex(0.1 + 0.2, 1), complex(0.3, 1), "float")


@pytest.mark.parametrize("make", [set, frozenset])
def test_floats_in_a_set_have_the_tolerance_too(make):
    assert right(make([0.1 + 0.2, 7.0]), make([0.3, 7.0]), "float")
    assert right(make([10.0, 5.0]), make([9.999999999999998, 5.0]), "float")  # in another order as text
    assert not right(make([10.0, 5.0]), make([10.0, 5.1]), "float")


def test_a_float_key_has_the_tolerance_too():
    assert right({0.1 + 0.2: 1}, {0.3: 1}, "float")
    assert right({10.0: 1, 5.0: 2}, {9.999999999999998: 1, 5.0: 2}, "float")


def test_exact_members_of_a_set_match_whatever_their_floats():
    assert right({(1, 0.5), (2, 0.25)}, {(2, 0.25), (1, 0.5)}, "float")


# ── unordered ─────────────────────────────────────────────────────────────────────────────


@given(st.lists(st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=3), max_size=8), st.randoms())
def test_unordered_lists_match_in_any_order(items, rng):
    assert right(items, rng.sample(items, len(items)), "unordered")


def test_unordered_lists_are_multisets():
    assert not right([1, 1, 2], [1, 2, 2], "unordered")
    assert not right([1, 2], [1, 2, 2], "unordered")
    assert not right([1, 2], (2, 1), "unordered")
    assert not right([1, True], [True, True], "unordered")


def test_depth_says_how_far_order_is_free():
    value, swapped_inside = [[1, 2], [3]], [[3], [2, 1]]
    assert not right(value, swapped_inside, "unordered")
    assert right(value, [[3], [1, 2]], "unordered")
    assert right(value, swapped_inside, "unordered", depth=2)
    deep, deep_swapped = [[[1, 2]]], [[[2, 1]]]
    assert not right(deep, deep_swapped, "unordered", depth=2)
    assert right(deep, deep_swapped, "unordered", depth=3)


def test_text_can_not_pass_for_structure():
    assert not right(["1,2"], ["1", "2"], "unordered", depth=2)
    assert not right([[1], [2]], [[1, 2]], "unordered", depth=2)


# ── any_of and checker ────────────────────────────────────────────────────────────────────


def test_any_of_takes_each_option_strictly():
    options = [[0, 1], [1, 0], None]
    for option in options:
        assert right(options, option, "any_of")
    for output in (options, [0, True], (0, 1), [], 0):
        assert not right(options, output, "any_of")


def test_any_of_nothing_takes_nothing():
    assert not right([], [], "any_of")


def test_a_checker_gets_arguments_expected_value_and_output():
    seen = []

    def check(args, expected, output):
        seen.append((args, expected, output))
        return True

    assert right({1}, {2: (3,)}, "checker", check=check, args=(4, "x"))
    assert seen == [((4, "x"), {1}, {2: (3,)})]


@pytest.mark.parametrize("told", [1, "yes", [True], None, 0, False, object()])
def test_only_true_is_true(told):
    assert not right(1, 1, "checker", check=lambda *_: told)


@pytest.mark.parametrize("error", [ValueError, KeyError, RecursionError, ZeroDivisionError, AttributeError])
def test_a_checker_that_raises_says_no(error):
    def check(args, expected, output):
        raise error("broken by the output")

    assert not right(1, 1, "checker", check=check)


def test_a_checker_is_asked_even_where_the_texts_are_equal():
    assert not right(1, 1, "checker", check=lambda *_: False)


def test_a_checker_gets_no_object_of_the_submission():
    class Liar:
        def __init__(self):
            self.x = 1

        def __eq__(self, other):
            return True

        __hash__ = None

    seen = []
    assert not right(1, Liar(), "checker", check=lambda args, expected, output: seen.append(type(output)))
    assert seen == [codec.Record]


def test_members_a_checker_gets_are_bounded():
    assert right(1, set(range(2000)), "checker", check=lambda *_: True)
    assert not right(1, set(range(2001)), "checker", check=lambda *_: True)


# ── hostile answers ───────────────────────────────────────────────────────────────────────

HOSTILE = [
    b"",
    b"\xff\xfe",
    b"nul",
    b"NaN",
    b"[1,",
    b"[1, 2]",
    b"1" * 100_000,
    b"[" * 200_000,
    b"[" * 200_000 + b"]" * 200_000,
    b'{"$":"tuple"}',
    b'{"$":"list","v":[1,2]}',
    b'{"$":"dict","v":[[1,3]],"x":1}',
    b'{"v":[1,2]}',
    b'{"$":[1]}',
    b"1e999999",
    b'"\\ud800',
]


@pytest.mark.parametrize("answer", HOSTILE, ids=lambda answer: repr(answer[:20]))
@pytest.mark.parametrize("kind", ["exact", "float", "unordered", "any_of", "checker"])
def test_hostile_text_is_only_ever_wrong(kind, answer):
    check = (lambda args, expected, output: output == expected) if kind == "checker" else None
    for expected in ([1, 3], {1: 2}, 7, "x", (1,), [[]], {1, 2}):
        assert matches(Expected(expected), answer, Comparison(kind=kind), check, ()) is False


@given(st.binary(max_size=60))
def test_no_bytes_raise(answer):
    for kind in (*KINDS, "any_of"):
        matches(Expected([[1], {2: 3}]), answer, Comparison(kind=kind))
    assert isinstance(summarize(answer), str)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), st.lists))
def test_different_values_never_match(value):
    other = [value]
    for kind in KINDS:
        assert not right(value, other, kind)


def test_colliding_hashes_cost_nothing():
    colliding = (json.dumps({"$": "int", "v": f"{n * (2**61 - 1):x}"}) for n in range(1, 20_000))
    answer = Raw(f'{{"$":"set","v":[{",".join(colliding)}]}}'.encode())
    began = time.process_time()
    assert not right({1}, answer, "exact")
    assert not right({1}, answer, "checker", check=lambda *_: True)
    assert time.process_time() - began < 10  # quadratic hashing takes minutes


def test_an_int_written_as_a_tagged_node_is_no_second_spelling():
    assert not right(7, Raw(b'{"$":"int","v":"7"}'))


# ── summaries ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("value", [1, "a", [1, (2,)], {"k": {1}}, None, 2.5])
def test_a_summary_reads_like_the_value(value):
    assert summarize(codec.encode(value).encode()) == repr(value)


def test_a_summary_is_short():
    text = summarize(codec.encode("x" * 10_000).encode(), 50)
    assert len(text) == 50
    assert text.endswith("…")


@pytest.mark.parametrize("answer", HOSTILE, ids=lambda answer: repr(answer[:20]))
def test_a_summary_of_hostile_text_is_text(answer):
    assert len(summarize(answer)) <= 200
