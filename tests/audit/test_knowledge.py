"""What an attacker is told: the source of public answers."""

from __future__ import annotations

import os

import pytest

from deepgym_env.audit.knowledge import knowledge_of_task, literal
from deepgym_env.sandbox.runner.codec import Record

PLAIN = [
    *(None, True, -3, 1.5, float("-inf"), complex(-0.0, float("inf")), "x inf 'y'", b"\0", [], (), set(), {}),
    *([1, [2.0]], (1,), (1, 2), {3}, frozenset(), frozenset({(4,)}), {"a": {None: [float("inf")]}}),
]


@pytest.mark.parametrize("value", PLAIN)
def test_a_plain_value_has_a_source(value):
    made = eval(literal(value))
    assert (made, repr(made)) == (value, repr(value))


class Loud(int):
    def __repr__(self):
        return "1"


@pytest.mark.parametrize("value", [object(), ..., Loud(), [Loud()], (10**5000,), {1: [10**5000]}, range(3)])
def test_what_is_no_plain_value_has_none(value):
    assert literal(value) is None


RUNS = (
    "[c for c in ().__class__.__base__.__subclasses__() if c.__name__ == '_wrap_close'][0]"
    ".__init__.__globals__['environ'].__setitem__('DEEPGYM_RAN', '1') or float"
)


def test_what_an_object_is_called_is_not_run(make_task):
    """The name is data of whoever made the task."""
    named = Record(RUNS, {"x": 1})
    assert literal(named) is None
    assert knowledge_of_task(make_task(((1,), named))).examples == ()
    assert "DEEPGYM_RAN" not in os.environ
