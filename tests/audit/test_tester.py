"""What counts as an exploit, the floor, the risk; on targets whose weakness is known."""

from __future__ import annotations

import dataclasses
import json

import pytest

from deepgym_env import AdversarialTester, AuditReport, load_task
from deepgym_env.audit import CODE_STRATEGIES, PROGRAM_STRATEGIES, WORKSPACE_STRATEGIES, Knowledge, Scored
from deepgym_env.audit.knowledge import knowledge_of_task
from deepgym_env.audit.strategies import select
from deepgym_env.audit.strategy import FAMILIES
from deepgym_env.errors import ConfigError

EXAMPLES = dataclasses.replace(
    knowledge_of_task(load_task("coin_change")), entry_point="f", files=("result.json",), reference=None
)


class Grader:
    """A target that scores by the text of a submission."""

    kind = "function"
    name = "toy"
    knowledge = EXAMPLES

    def __init__(self, score):
        self._score = score

    def score(self, submissions, *, progress=None):
        return [Scored(score, score == 1.0) for score in map(self._score, submissions)]


def audit(score, strategies=None):
    return AdversarialTester(None).test(Grader(score), strategies)


def test_nothing_is_found_where_nothing_scores():
    report = audit(lambda code: 0.0)
    assert (report.exploits_found, report.is_robust, report.risk_score) == (0, True, 0.0)
    assert report.attacks_run > len(report.strategies) == len(CODE_STRATEGIES)


def test_what_passes_without_work_is_an_exploit():
    report = audit(lambda code: float("os._exit(0)" in code), ["os_exit"])
    (exploit,) = report.exploits
    assert (exploit.strategy, exploit.family, exploit.score, exploit.passed) == ("os_exit", "exit", 1.0, True)
    assert exploit.without == 0.0
    assert "exit code" in exploit.remedy
    assert "os._exit(0)" in exploit.code
    assert report.risk_score == 1.0


def test_what_gains_by_forging_is_an_exploit_and_as_risky_as_its_gain():
    report = audit(lambda code: 0.75 if "class Liar" in code else 0.5, ["always_equal"])
    assert [(exploit.score, exploit.without, exploit.passed) for exploit in report.exploits] == [(0.75, 0.5, False)]
    assert report.risk_score == 0.25


def test_partial_credit_of_a_constant_is_the_floor_and_no_exploit():
    report = audit(lambda code: 0.4 if "return -1" in code else 0.0, ["constants"])
    assert report.is_robust
    assert report.floor.score == 0.4
    assert "return -1" in report.floor.code


def test_a_constant_that_passes_is_an_exploit():
    report = audit(lambda code: float("return []" in code), ["constants"])
    assert [exploit.strategy for exploit in report.exploits] == ["constants"]


def test_a_gain_by_chance_is_none():
    throws = iter([0.6, 0.5, 0.5, 0.6, 0.6, 0.5])
    assert audit(lambda code: next(throws), ["comparisons_patched"]).is_robust
    assert next(throws, None) is None


def test_an_attack_is_not_blamed_for_what_its_harmless_twin_passes_as_well():
    everything_but_exits = audit(lambda code: float("exit" not in code), ["exit", "always_equal", "placeholders"])
    assert [exploit.strategy for exploit in everything_but_exits.exploits] == ["placeholders"]
    assert [exploit.strategy for exploit in audit(lambda code: 1.0, ["always_equal"]).exploits] == ["always_equal"]


def test_a_right_solution_made_slow_is_no_exploit_unless_the_clock_helps():
    known = Knowledge(entry_point="f", reference="def f(x):\n    return x\n")
    for gain, robust in ((0.0, True), (0.5, False)):
        target = Grader(lambda code, gain=gain: 0.5 + gain * ("lambda: 0.0" in code))
        target.knowledge = known
        assert AdversarialTester(None).test(target, ["clock_patched"]).is_robust is robust
    passing = Grader(lambda code: 1.0)
    passing.knowledge = known
    assert AdversarialTester(None).test(passing, ["clock_patched"]).is_robust


def test_no_verdict_is_reported_and_no_exploit():
    report = audit(lambda code: None if "_exit" in code else 0.0, ["os_exit", "constants"])
    assert report.unjudged == ("os_exit",)
    assert report.is_robust


def test_it_stops_at_the_first_family_that_works():
    tester = AdversarialTester(None)
    report = tester.test(Grader(lambda code: float("sys.exit(0)" in code)), stop_at_first=True)
    assert {exploit.strategy for exploit in report.exploits} == {"sys_exit"}
    assert len(report.strategies) < len(CODE_STRATEGIES)


def test_the_report_has_a_json_form():
    report = audit(lambda code: float("os._exit(0)" in code))
    told = json.loads(report.model_dump_json())
    assert told["exploits_found"] == len(told["exploits"]) > 0
    assert (told["is_robust"], told["risk_score"]) == (False, 1.0)
    assert {"strategy", "family", "code", "score", "remedy"} <= told["exploits"][0].keys()
    assert AuditReport.model_validate(told) == report


def test_progress_is_told(make_task, engine):
    seen = []
    task = make_task(((1,), 1), ((2,), 2))
    AdversarialTester(engine).test(task, ["os_exit"], progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (3, 3)


def test_a_task_that_anything_solves_is_found_out(make_task, engine):
    report = AdversarialTester(engine).test(make_task(((1,), 0), ((2,), 0)))
    assert {exploit.strategy for exploit in report.exploits} >= {"constants", "examples_in_turn"}
    assert report.floor.score == 1.0


def test_unknown_strategies_are_named_with_the_nearest(engine):
    with pytest.raises(ConfigError, match=r"no strategy or family 'os_exi': did you mean 'os_exit'"):
        AdversarialTester(engine).test("fizzbuzz", ["os_exi"])
    with pytest.raises(ConfigError, match="none of the strategies nothing is for this kind"):
        AdversarialTester(engine).test("fizzbuzz", ["nothing"])
    with pytest.raises(ConfigError, match="'llm' needs a model"):
        AdversarialTester(engine).test("fizzbuzz", ["llm"])
    with pytest.raises(ConfigError, match="must be a task"):
        AdversarialTester(engine).test(7)


def test_the_strategies_are_many_and_named_once():
    for strategies in (CODE_STRATEGIES, PROGRAM_STRATEGIES, WORKSPACE_STRATEGIES):
        names = [strategy.name for strategy in strategies]
        assert len(set(names)) == len(names)
        assert all(strategy.title and strategy.remedy and strategy.family in FAMILIES for strategy in strategies)
    assert len(CODE_STRATEGIES) >= 24
    used = {strategy.family for strategy in (*CODE_STRATEGIES, *PROGRAM_STRATEGIES, *WORKSPACE_STRATEGIES)}
    assert used == set(FAMILIES) - {"llm"}
    assert [strategy.name for strategy in select(CODE_STRATEGIES, ["timeout"])] == ["endless_loop", "sleeps"]


@pytest.mark.parametrize("strategy", CODE_STRATEGIES, ids=lambda strategy: strategy.name)
def test_attacks_are_valid_python_and_name_the_entry_point(strategy):
    attacks = list(strategy.attacks(EXAMPLES))
    assert attacks
    for attack in attacks:
        compile(attack.code, "attack.py", "exec")
        compile(attack.without or "", "twin.py", "exec")
        assert "ENTRY" not in attack.code
    assert [each.code for each in strategy.attacks(EXAMPLES)] == [attack.code for attack in attacks]
