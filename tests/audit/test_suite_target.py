"""Suites under attack: weak ones are found, a sound one raises no alarm, attacks take the form of the solution."""

from __future__ import annotations

import pytest

from deepgym_env import AdversarialTester, Limits, SuiteTask
from deepgym_env.audit import CODE_STRATEGIES, FunctionTarget, SuiteTarget
from deepgym_env.audit.suite_target import knowledge_of_suite
from deepgym_env.errors import ConfigError

pytestmark = pytest.mark.xdist_group("audit_of_suites")

CLOCK = """
import unittest
import clock

class T(unittest.TestCase):
    def test_shown(self):
        self.assertEqual(str(clock.Clock(1, 2)), "01:02")
    def test_later(self):
        self.assertEqual(str(clock.Clock(1, 2).later(3)), "01:05")
    def test_minutes(self):
        self.assertEqual(clock.minutes(clock.Clock(1, 2)), 62)
"""
STUB = """
class Clock:
    def __init__(self, hour, minute): pass
    def __str__(self): pass
    def later(self, minutes): pass

def minutes(clock): pass
"""
REFERENCE = """
class Clock:
    def __init__(self, hour, minute): self.total = 60 * hour + minute
    def __str__(self): return "%02d:%02d" % divmod(self.total, 60)
    def later(self, minutes): return Clock(0, self.total + minutes)

def minutes(clock): return clock.total
"""


def suite(source, **fields):
    limits = Limits(cpu_seconds=0.5, wall_seconds=0.5, memory_mb=512)
    return SuiteTask.of(
        source, **{"id": "toy", "title": "Toy", "prompt": "", "module": "clock", "limits": limits, **fields}
    )


def test_a_sound_suite_raises_no_alarm(dg):
    report = AdversarialTester(dg).test(suite(CLOCK, stub=STUB, reference=REFERENCE))
    assert [(exploit.strategy, exploit.score, exploit.code) for exploit in report.exploits] == []
    assert (report.kind, report.unjudged, report.reference, report.floor.score) == ("suite", (), 1.0, 0.0)
    assert {each.name for each in CODE_STRATEGIES} - set(report.strategies) == {
        "memorised_examples",
        "examples_in_turn",
    }


WEAK = {
    "it asks for something": ("self.assertIsNotNone(clock.f(2))", {"constants"}),
    "it asks for a type": ("self.assertIsInstance(clock.f(2), int)", {"constants"}),
    "it compares the answer with itself": ("self.assertEqual(clock.f(2), clock.f(2))", {"constants", "placeholders"}),
    "what it asks is in the prompt": ("self.assertEqual(clock.f(2), 4)", {"memorised_examples", "examples_in_turn"}),
    "a failure is caught": (
        "try: assert clock.f(2) == 4\n        except Exception: pass",
        {"constants", "placeholders"},
    ),
    "NaN is near": ("self.assertFalse(abs(clock.f(2) - 1.4142) > 1e-6)", {"numeric_overflow"}),
}


@pytest.mark.parametrize("name", WEAK)
def test_a_weak_suite_is_found_exploitable(dg, name):
    line, found = WEAK[name]
    source = f"import unittest, clock\nclass T(unittest.TestCase):\n    def test_it(self):\n        {line}\n"
    report = AdversarialTester(dg).test(suite(source, prompt="f(2) == 4", entry_point="f"), sorted(found))
    assert {exploit.strategy for exploit in report.exploits} == found
    assert report.risk_score == 1.0


def test_attacks_fill_what_a_solution_defines(dg):
    """The form is no hindrance: with right answers behind it, tests pass."""
    known = knowledge_of_suite(suite(CLOCK, stub=STUB))
    answer = "def respond(*args):\n    return 62 if type(args[0]).__name__ == 'Clock' and len(args) == 1 else '01:05'\n"
    (scored,) = SuiteTarget(dg, suite(CLOCK, stub=STUB)).score([known.wired(answer)])
    assert scored.score == pytest.approx(2 / 3)
    assert known.wired("import os\nos._exit(0)\n") == "import os\nos._exit(0)\n"


def test_without_a_stub_the_suite_says_what_is_defined():
    assert "Clock = respond" in knowledge_of_suite(suite(CLOCK)).wiring
    imported = CLOCK.replace("import clock", "from clock import Clock as C, minutes")
    assert knowledge_of_suite(suite(imported)).wiring == "Clock = respond\nminutes = respond\n"


def test_a_suite_that_says_nothing_of_its_solution_is_refused(dg):
    silent = "import unittest\nclass T(unittest.TestCase):\n    def test_it(self): pass\n"
    with pytest.raises(ConfigError, match="give it an entry_point or a stub"):
        AdversarialTester(dg).test(suite(silent))


def test_a_method_is_attacked_as_a_method(make_task, engine):
    task = make_task(((1,), 0), ((2,), 0), entry_point="Solution.f")
    report = AdversarialTester(engine).test(task, ["constants", "os_exit"])
    assert [exploit.strategy for exploit in report.exploits] == ["constants"]
    assert report.floor.score == 1.0
    assert "class Solution:" in report.exploits[0].code
    assert FunctionTarget(engine, task).score([report.exploits[0].code])[0].passed
