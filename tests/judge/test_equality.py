from __future__ import annotations

import math
import time
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepgym_env.judge.compare import Expected, matches
from deepgym_env.sandbox.runner import codec
from deepgym_env.task import Comparison

Point = namedtuple("Point", "x y")
VALUES = [
    *(None, True, False, 0, 1, -1, 2**53, 2**53 + 1, 10**30, 0.0, -0.0, 1.0, 0.5, float(2**53), 1e30, 1e308),
    *(math.inf, -math.inf, 1 + 0j, 1j, 0.5j, "", "1", "a", b"a", bytearray(b"a"), b"", "True", "#1", "null"),
    *([], (), {}, set(), frozenset(), [1], (1,), {1}, frozenset({1}), {1: 1}, {True: 1.0}, {"a": [1]}, {"a": (1,)}),
    *([1, 2], [2, 1], (1, 2), Point(1, 2), Point(1.0, True), {1, 2}, {2.0, 1}, {1: 2, 3: 4}, {3: 4, 1: 2}),
    *(OrderedDict({1: 2, 3: 4}), defaultdict(int, {1: 2, 3: 4}), Counter("a"), {"a": 1}, deque([1]), deque([1.0])),
    *(range(0), range(3), range(3, 3), range(0, 3, 1), range(1, 2), range(1, 9, 8), [0, 1, 2], [[1]], [(1,)], [[1.0]]),
]


def judged(expected, output, kind="equal", **options):
    return matches(Expected(expected), codec.encode(output).encode(), Comparison(kind=kind, **options))


@pytest.mark.parametrize("left", VALUES, ids=repr)
def test_equal_is_python_s_equality(left):
    for right in VALUES:
        assert judged(left, right) == (left == right), (left, right)


def test_close_without_tolerance_is_equal():
    for left in VALUES:
        for right in VALUES:
            assert judged(left, right, "close", rel_tol=0, abs_tol=0) == (left == right), (left, right)


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.complex_numbers(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text() | st.integers() | st.floats(allow_nan=False), inner, max_size=3)
        | st.frozensets(st.integers() | st.floats(allow_nan=False) | st.booleans(), max_size=3)
    ),
    max_leaves=8,
)


@given(plain, plain)
def test_equal_is_python_s_equality_on_anything(left, right):
    assert judged(left, right) == (left == right)
    assert judged(left, left)


@given(st.lists(st.integers(-3, 3) | st.sampled_from([0.5, 1.0, True, False]), max_size=3))
def test_numbers_of_other_types_are_equal(numbers):
    for made in (list, tuple, set, lambda items: dict(enumerate(items))):
        other = [float(number) for number in numbers]
        assert judged(made(numbers), made(other))


class Liar:
    """Claims to equal everything."""

    def __eq__(self, other):
        return True

    __hash__ = None

    def __bool__(self):
        return True

    def __repr__(self):
        return "Liar()"


class LyingInt(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


class Colour(Enum):
    RED = 1


@pytest.mark.parametrize("kind", ["equal", "close", "any_equal"])
@pytest.mark.parametrize("expected", [1, 1.0, True, [1], "a", {"a": 1}, None, {1}])
@pytest.mark.parametrize("liar", [Liar(), [Liar()], {"a": Liar()}, Colour.RED, ValueError("1"), LyingInt(7)], ids=repr)
def test_lying_objects_never_pass(kind, expected, liar):
    right = [expected, 2] if kind == "any_equal" else expected
    try:
        answer = codec.encode(liar)
    except codec.CodecError:
        return  # no plain data at all: an exception in the process that made it
    assert not matches(Expected(right), answer.encode(), Comparison(kind=kind))


def test_objects_are_equal_by_type_and_fields():
    node = codec.Record("Node", {"val": 1, "next": None})
    assert judged(node, codec.Record("Node", {"next": None, "val": True}))
    assert not judged(node, codec.Record("Edge", {"val": 1, "next": None}))
    assert not judged(node, codec.Record("Node", {"val": 1}))


@pytest.mark.parametrize(
    ("expected", "output", "right"),
    [
        (0.3, 0.1 + 0.2, True),
        (0.3, 0.3001, False),
        ([1.0, 2.0], [1.0000000001, 2], True),
        ([1.0, 2.0], (1.0, 2.0), False),
        ((1.0, "a"), (1.0, "b"), False),
        ({"a": 1.0}, {"a": 1.0000000001}, True),
        ({"a": 1.0}, {"b": 1.0}, False),
        (5, 5.0000000001, True),
        (1j, 1j + 1e-10, True),
        (math.inf, 1e308, False),
        (math.inf, math.inf, True),
        (10**400, 1.0, False),
        (1.0, None, False),
        (1.0, "1.0", False),
    ],
)
def test_close_takes_numbers_within_the_tolerance(expected, output, right):
    assert judged(expected, output, "close", rel_tol=0, abs_tol=1e-6) is right


def test_any_equal_takes_each_of_the_values_listed():
    assert judged([5, (1,)], 5.0, "any_equal")
    assert judged([5, (1,)], (True,), "any_equal")
    assert not judged([5, (1,)], [5, (1,)], "any_equal")
    assert not judged([], None, "any_equal")


HOSTILE = [
    *(b"", b"{", b"[" * 100_000, b'{"$":"dict","v":1}', b'{"$":"int","v":"zz"}', b'{"$":"complex","v":[]}', b"\xff"),
    *(
        b'{"$":"set","v":[1,1]}',
        b'{"$":"range","v":[0,1,0]}',
        b'{"$":"nothing"}',
        b'{"v":1}',
        b'{"$":[],"v":[]}',
        b"NaN",
    ),
    *(
        b'{"$":"dict","v":[[1]]}',
        b'{"$":"namedtuple","v":[1]}',
        b'{"$":"float","v":"1e"}',
        b'{"$":"tuple","v":{"$":"int"}}',
    ),
]


@pytest.mark.parametrize("kind", ["equal", "close", "any_equal"])
@pytest.mark.parametrize("answer", HOSTILE, ids=lambda answer: answer[:20])
def test_what_no_codec_wrote_is_wrong_and_no_error(kind, answer):
    for expected in (1, [1], {1}, {1: 1}, (1,), None):
        assert not matches(Expected([expected] if kind == "any_equal" else expected), answer, Comparison(kind=kind))


def test_a_large_answer_costs_little():
    keys = {str(number): [number] * 3 for number in range(20_000)}
    other = {**keys, "0": [1]}
    expected, answer = Expected(keys), codec.encode(other, 1 << 28).encode()
    for kind in ("equal", "close"):
        began = time.process_time()
        assert not matches(expected, answer, Comparison(kind=kind))
        assert time.process_time() - began < 5


def test_a_huge_integer_is_compared_in_linear_time():
    expected, answer = Expected(16**500_000), codec.encode(16**500_000 + 1, 1 << 28).encode()
    began = time.process_time()
    assert not matches(expected, answer, Comparison(kind="equal"))
    assert time.process_time() - began < 1
