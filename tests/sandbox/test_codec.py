from __future__ import annotations

import contextlib
import enum
import json
import math
import string
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepgym_env.sandbox.runner import codec


@dataclass
class Point:
    x: object
    y: object


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a, b):
        self.a, self.b = a, b

    def __eq__(self, other):
        return type(other) is Slotted and (self.a, self.b) == (other.a, other.b)

    __hash__ = None


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


Pair = namedtuple("Pair", "left right")
CLASSES = {made.__name__: made for made in (Point, Slotted, Colour, Pair)}

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(2**300), max_value=2**300)
    | st.sampled_from([2**53 - 1, 2**53, -(2**53), 1 - 2**53])
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.complex_numbers(allow_nan=True, allow_infinity=True)
    | st.text(st.characters(codec=None), max_size=20)  # lone surrogates too
    | st.binary(max_size=20)
)


# Composites rather than st.recursive, whose reprs hypothesis writes out at great cost.
@st.composite
def hashables(draw, depth=2):
    plain = scalars | st.sampled_from(list(Colour))
    if not depth:
        return draw(plain)
    inner = hashables(depth - 1)
    few = st.lists(inner, max_size=4)
    return draw(plain | few.map(tuple) | few.map(frozenset) | st.builds(Pair, inner, inner))


@st.composite
def values(draw, depth=3):
    keys = hashables()
    others = (
        keys
        | st.binary(max_size=20).map(bytearray)
        | st.builds(range, st.integers(), st.integers(), st.integers(min_value=1) | st.integers(max_value=-1))
        | st.text("abc", max_size=20).map(Counter)
    )
    if not depth:
        return draw(others)
    inner = values(depth - 1)
    few = st.lists(inner, max_size=4)
    pairs = st.lists(st.tuples(keys, inner), max_size=4)
    lists = few | few.map(tuple) | few.map(deque) | st.lists(keys, max_size=4).map(set)
    dicts = pairs.map(dict) | pairs.map(OrderedDict) | pairs.map(lambda items: defaultdict(None, items))
    instances = st.builds(Point, inner, inner) | st.builds(Slotted, inner, inner) | st.builds(Pair, inner, inner)
    return draw(others | lists | dicts | instances)


def same(left, right):
    """Equal with exact types at every level, NaN equal to itself and -0.0 unequal to 0.0."""
    if type(left) is not type(right):
        return False
    if type(left) is float:
        return repr(left) == repr(right)
    if type(left) is complex:
        return same(left.real, right.real) and same(left.imag, right.imag)
    if type(left) is range:  # == ignores a step that is never taken
        return (left.start, left.stop, left.step) == (right.start, right.stop, right.step)
    if isinstance(left, (list, tuple, deque)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return same_members(list(left.items()), list(right.items()))
    if isinstance(left, (set, frozenset)):
        return same_members(list(left), list(right))
    if isinstance(left, Point):
        return same([left.x, left.y], [right.x, right.y])
    if isinstance(left, Slotted):
        return same([left.a, left.b], [right.a, right.b])
    return left == right


def same_members(left, right):
    right = list(right)
    for item in left:
        match = next((number for number, other in enumerate(right) if same(item, other)), None)
        if match is None:
            return False
        right.pop(match)
    return not right


def round_trip(value):
    return codec.build(codec.parse(codec.encode(value)), CLASSES)


@given(values())
def test_round_trip_keeps_value_and_types(value):
    assert same(round_trip(value), value)


@given(values())
def test_text_is_canonical(value):
    text = codec.encode(value)
    assert text.isascii()
    assert codec.encode(round_trip(value)) == text


@given(st.lists(st.tuples(hashables(), scalars), unique_by=lambda pair: pair[0], max_size=6), st.randoms())
def test_order_of_insertion_does_not_show(pairs, rng):
    shuffled = rng.sample(pairs, len(pairs))
    assert codec.encode(dict(pairs)) == codec.encode(dict(shuffled))
    assert codec.encode({key for key, _ in pairs}) == codec.encode({key for key, _ in shuffled})


@given(values(), values())
def test_equal_text_means_equal_values(left, right):
    assert (codec.encode(left) == codec.encode(right)) == same(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, True),
        (0, False),
        (1, 1.0),
        (0.0, -0.0),
        ("1", 1),
        ("a", b"a"),
        (b"a", bytearray(b"a")),
        ([], ()),
        ({}, set()),
        (set(), frozenset()),
        ({}, OrderedDict()),
        ({}, Counter()),
        (None, "null"),
        (None, False),
        (2**53, float(2**53)),
        (math.inf, -math.inf),
        (math.nan, math.inf),
        ([1, 2], [2, 1]),
        ((1, 2), Pair(1, 2)),
        (range(3), [0, 1, 2]),
        (deque([1]), [1]),
        ([[]], []),
        ("\ud800", "\\ud800"),
        ({"$": "tuple", "v": []}, ()),
        ({1: 2}, {"1": 2}),
    ],
)
def test_different_values_have_different_text(left, right):
    assert codec.encode(left) != codec.encode(right)


@pytest.mark.parametrize("base", [int, str, float, list, dict, tuple, set, bytes])
def test_a_subclass_of_a_builtin_is_not_that_builtin(base):
    made = type("Impostor", (base,), {})()
    try:
        text = codec.encode(made)
    except codec.CodecError:
        return
    assert text != codec.encode(base())


def test_an_unknown_class_becomes_a_record():
    record = codec.build(codec.parse(codec.encode(Point(1, [2]))))
    assert type(record) is codec.Record
    assert (record.type_name, record.fields) == ("Point", {"x": 1, "y": [2]})
    assert repr(record) == "Point(x=1, y=[2])"


def test_an_exception_becomes_its_type_and_message():
    record = codec.build(codec.parse(codec.encode(ValueError("no"))))
    assert (record.type_name, record.fields) == ("ValueError", {"message": "no"})


def test_building_an_object_calls_no_constructor():
    class Bomb:
        def __init__(self):
            raise AssertionError("constructed")

    tree = {"$": "object", "type": "Bomb", "v": [["x", 1]]}
    assert codec.build(tree, {"Bomb": Bomb}).x == 1


@pytest.mark.parametrize(
    "value", [len, lambda: 0, int, json, object(), iter([]), (n for n in ()), NotImplemented, ..., memoryview(b"")]
)
def test_what_is_no_data_is_refused(value):
    with pytest.raises(codec.CodecError):
        codec.encode([value])


def test_a_query_argument_is_found_by_number():
    text = codec.encode([codec.Opaque(3)])
    assert codec.build(codec.parse(text), query=lambda number: ("query", number)) == [("query", 3)]


# ── limits ────────────────────────────────────────────────────────────────────────────────


def nested(depth):
    value = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_depth_is_bounded():
    assert round_trip(nested(codec.MAX_DEPTH)) == nested(codec.MAX_DEPTH)
    with pytest.raises(codec.CodecError, match="nested"):
        codec.encode(nested(codec.MAX_DEPTH + 1))


def test_a_value_that_contains_itself_is_refused():
    value = []
    value.append(value)
    with pytest.raises(codec.CodecError):
        codec.encode(value)


def test_sharing_can_not_explode():
    value = []
    for _ in range(60):
        value = [value, value]
    with pytest.raises(codec.TooLarge):
        codec.encode(value, 10_000)


@pytest.mark.parametrize(
    "value", ["x" * 2000, b"x" * 2000, 1 << 10_000, [0] * 2000, {n: n for n in range(500)}, {*range(500)}]
)
def test_size_is_bounded(value):
    with pytest.raises(codec.TooLarge):
        codec.encode(value, 1000)
    assert same(round_trip(value), value)


@given(values(), st.integers(min_value=0, max_value=400))
def test_text_is_never_longer_than_asked_for(value, size):
    try:
        text = codec.encode(value, size)
    except codec.TooLarge:
        return
    assert len(text) <= size


def test_members_are_bounded_where_asked():
    tree = codec.parse(codec.encode([{1, 2}, {3: 4}]))
    assert codec.build(tree, max_keys=4) == [{1, 2}, {3: 4}]
    with pytest.raises(codec.CodecError, match="too many"):
        codec.build(tree, max_keys=3)
    with pytest.raises(codec.CodecError, match="too many"):  # short text, much data
        codec.build(codec.parse(codec.encode(range(0, -(10**9), -1))), max_keys=1000)


# ── hostile text ──────────────────────────────────────────────────────────────────────────

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(string.printable, max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["$", "v", "type"]), inner, max_size=3),
    max_leaves=12,
)
TAGS = "int float complex bytes bytearray tuple deque range set frozenset dict OrderedDict defaultdict Counter"
tagged = st.recursive(
    json_values,
    lambda inner: st.fixed_dictionaries(
        {"$": st.sampled_from([*TAGS.split(), "query", "enum", "namedtuple", "object", "exception"])},
        optional={"v": inner | st.lists(st.lists(inner, max_size=3), max_size=3), "type": st.sampled_from([*CLASSES])},
    ),
    max_leaves=8,
)


def decode(text, **options):
    return codec.build(codec.parse(text), **options)


@given(st.text(max_size=60))
def test_any_text_raises_nothing_but_codec_errors(text):
    with contextlib.suppress(codec.CodecError):
        decode(text)


@given(tagged)
def test_any_tree_raises_nothing_but_codec_errors(tree):
    for classes in (None, CLASSES):
        with contextlib.suppress(codec.CodecError):
            decode(json.dumps(tree), classes=classes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nul",
        "NaN",
        "Infinity",
        "1" * 5000,
        "1." + "0" * 5000,
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"$":"tuple","v":[' * 500 + "]}" * 500,
        "{}",
        '{"v":1}',
        '{"$":[]}',
        '{"$":"eval","v":"1"}',
        '{"$":"int","v":"zz"}',
        '{"$":"int","v":1}',
        '{"$":"float","v":"one"}',
        '{"$":"complex","v":["1"]}',
        '{"$":"bytes","v":"0"}',
        '{"$":"range","v":[1,2,0]}',
        '{"$":"range","v":[1,2,3,4]}',
        '{"$":"set","v":[[]]}',
        '{"$":"dict","v":[1]}',
        '{"$":"dict","v":[[1]]}',
        '{"$":"tuple"}',
        '{"$":"query","v":0}',
        '{"$":"enum","type":"Colour","v":"GREEN"}',
        '{"$":"enum","type":[],"v":"GREEN"}',
        '{"$":"namedtuple","type":"Pair","v":[["left",1]]}',
        '{"$":"object","type":"int","v":[["real",1]]}',
        '{"$":"object","type":"Point","v":[[1,2]]}',
        '{"$":"object","v":[]}',
    ],
)
def test_malformed_text_is_refused(text):
    with pytest.raises(codec.CodecError):
        decode(text, classes={**CLASSES, "int": int})
