from __future__ import annotations

import ast
import json

import pytest
from published import HUMANEVAL, MBPP

from deepgym_env.benchmarks import humaneval, mbpp
from deepgym_env.benchmarks.asserts import Asserts
from deepgym_env.benchmarks.conversion import NotData
from deepgym_env.benchmarks.literals import NotLiteral, fold
from deepgym_env.benchmarks.nodes import binary_tree, linked_list
from deepgym_env.benchmarks.typed_inputs import shapes_of
from deepgym_env.task import Comparison


def expression(source):
    return ast.parse(source, mode="eval").body


@pytest.mark.parametrize(
    "source",
    ["[1, -2, 3.5]", "(1,)", "{1: {2}}", "2 ** 5", "'ab' * 3", "1.0 / 3", "tuple([1])", "set()", "not 0", "1j", "None"],
)
def test_literals_are_folded(source):
    value = fold(expression(source))
    assert (type(value), value) == (type(eval(source)), eval(source))


@pytest.mark.parametrize(
    "source",
    [
        "x",
        "f(1)",
        "open('/etc/passwd')",
        "[].append",
        "2 ** 99999",
        "'a' * 10 ** 12",
        "[i for i in (1, 2)]",
        "1 / 0",
        "{**{}}",
    ],
)
def test_nothing_else_is(source):
    with pytest.raises(NotLiteral):
        fold(expression(source))


EXACT = Comparison(kind="exact")


@pytest.mark.parametrize(
    ("source", "args", "expected", "view", "comparison"),
    [
        ("f(1) == [2]", (1,), [2], None, None),
        ("[2] == f(1)", (1,), [2], None, None),
        ("f(1, (2,)) == -1", (1, (2,)), -1, None, None),
        ("f(1)", (1,), True, "bool", None),
        ("not f(1)", (1,), False, "bool", None),
        ("f(1) is True", (1,), True, None, EXACT),
        ("tuple(f(1)) == tuple([2])", (1,), (2,), "tuple", None),
        ("set(f(1)) == set((2, 3))", (1,), {2, 3}, "set", None),
        ("abs(f(1) - 2.5) < 1e-6", (1,), 2.5, None, Comparison(kind="close", rel_tol=0, abs_tol=1e-6)),
        ("math.isclose(f(1), 2.5, rel_tol=0.1)", (1,), 2.5, None, Comparison(kind="close", rel_tol=0.1, abs_tol=0)),
    ],
)
def test_asserts_become_calls(source, args, expected, view, comparison):
    call = Asserts(["f"]).call(expression(source))
    assert (call.args, call.expected, call.view, call.comparison) == (args, expected, view, comparison)


@pytest.mark.parametrize("source", ["True", "f(1) == f(1)", "'text'", "not 0"])
def test_what_holds_anyway_is_no_test(source):
    assert Asserts(["f"]).call(expression(source)) is None


@pytest.mark.parametrize(
    "source",
    [
        "f(1) < 2",
        "f(1) == g(2)",
        "f(x) == 1",
        "False",
        "f(1)[0] == 2",
        "f(1) == 1 and f(2) == 2",
        "f(*a) == 1",
        "g(f(1)) == 2",
    ],
)
def test_what_is_no_data_is_refused_with_the_assert(source):
    with pytest.raises(NotData, match="assert"):
        Asserts(["f"]).call(expression(source))


def test_humaneval_drops_what_asserts_nothing_and_unrolls_loops():
    task = humaneval.convert(HUMANEVAL, None)
    assert [(test.id, test.calls[0].args, test.calls[0].expected) for test in task.tests] == [
        ("assert_1", (1,), 2),
        ("assert_3", (0,), 1),
        ("assert_4", (3,), 4),
    ]
    assert task.prelude == "import math\n\ndef helper(x):\n    return x + 1"
    assert (task.license, task.difficulty) == ("MIT", None)


def test_humaneval_that_computes_is_reported():
    row = {**HUMANEVAL, "test": "def check(candidate):\n    n = random()\n    assert candidate(n) == n + 1\n"}
    with pytest.raises(NotData, match="n = random"):
        humaneval.convert(row, None)


def test_mbpp_shows_one_test_and_hides_the_others():
    task = mbpp.convert_full(MBPP, None)
    assert [(test.id, test.public) for test in task.tests] == [
        ("assert_0", True),
        ("assert_1", False),
        ("assert_2", False),
    ]
    assert MBPP["test_list"][0] in task.prompt
    assert MBPP["test_list"][1] not in task.prompt
    assert task.tags == ("mbpp", "test")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"test_setup_code": "x = 1"}, "set-up"),
        ({"test_list": ["assert sort_list([1]) == other([1])"]}, "no literal"),
        ({"test_list": ["assert g([1]) == [1]"]}, "which is tested"),
        ({"test_list": ["x = 1"]}, "no assert"),
        ({"text": None}, "field 'text'"),
    ],
)
def test_mbpp_that_is_no_data_is_reported(change, reason):
    with pytest.raises(NotData, match=reason):
        mbpp.convert_full({**MBPP, **change}, None)


@pytest.mark.parametrize(
    ("examples", "value", "expected"),
    [
        ([[(1, 2)]], [3, [4]], (3, [4])),
        ([[[(1, 2)]]], [[3, 4]], [(3, 4)]),
        ([[(1, (2, 3))]], [1, [2, [3, [4]]]], (1, (2, (3, (4,))))),
        ([[[{1, 2}, {3}]]], [[1, 1]], [{1}]),
        ([[{"a": (1,)}]], {"b": [2]}, {"b": (2,)}),
        ([[1j]], "(1+2j)", 1 + 2j),
        ([[0]], "0", 0.0),
        ([["j"]], "j", "j"),
        ([[3]], "k", "k"),
    ],
)
def test_types_json_lost_are_found_again(examples, value, expected):
    (shape,) = shapes_of(examples)
    assert repr(shape.restore(json.loads(json.dumps(value)))) == repr(expected)


def test_nodes_are_what_leetcode_writes():
    assert repr(linked_list([1, 2])) == "ListNode(val=1, next=ListNode(val=2, next=None))"
    assert linked_list([]) is binary_tree([]) is None
    tree = binary_tree([1, None, 2, 3])
    assert tree.fields["left"] is None
    assert tree.fields["right"].fields["left"].fields["val"] == 3
