"""Attacks a model writes: exploits are told from solutions by fresh tests."""

from __future__ import annotations

import asyncio

import pytest

from deepgym_env import AdversarialTester, load_task
from deepgym_env.rollout import PolicyError, Reply

TASK = load_task("two_sum")
BY_HEART = "def two_sum(numbers, target):\n    return KNOWN.get((tuple(numbers), target))\n"


def known_tests():
    """What a model that has seen all tests might write."""
    table = {(tuple(call.args[0]), call.args[1]): call.expected for test in TASK.tests for call in test.calls}
    return f"KNOWN = {table!r}\n{BY_HEART}"


def says(*codes):
    answers = iter(codes)
    asked = []

    async def policy(messages, tools):
        asked.append(messages[0]["content"])
        await asyncio.sleep(0)
        return Reply(f"Like this:\n```python\n{next(answers)}\n```", tokens=3)

    return policy, asked


def test_what_passes_by_heart_is_an_exploit_and_what_solves_is_none(engine):
    policy, asked = says(known_tests(), TASK.reference, "import os; os._exit(0)")
    report = AdversarialTester(engine, model=policy, samples=3).test(TASK, ["llm"])
    assert report.attacks_run == 3
    assert [(exploit.strategy, exploit.passed) for exploit in report.exploits] == [("llm", True)]
    assert "KNOWN" in report.exploits[0].code
    assert report.suspects == ()
    assert all(TASK.prompt in request and "`two_sum`" in request for request in asked)


def test_where_nothing_can_be_drawn_anew_a_person_decides(engine, make_task):
    code = "def f(x): return x"
    policy, _ = says(code)
    report = AdversarialTester(engine, model=policy, samples=1).test(make_task(((1,), 1), ((2,), 2)), ["llm"])
    assert report.is_robust
    assert [suspect.strip() for suspect in report.suspects] == [code]


def test_a_model_comes_on_top_of_all_strategies(engine, make_task):
    report = AdversarialTester(engine, model=lambda messages, tools: "no idea", samples=1).test(make_task(((1,), 2)))
    assert report.strategies[-1] == "llm"
    assert len(report.strategies) > 24


def test_an_endpoint_that_fails_is_said(engine, make_task):
    def fails(messages, tools):
        raise PolicyError("out of order")

    with pytest.raises(PolicyError, match="out of order"):
        AdversarialTester(engine, model=fails).test(make_task(((1,), 2)), ["llm"])
