"""Thirty-three verifiers, each weak in some way: the audit finds it, and with it that they can be cheated."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepgym_env.audit import CODE_STRATEGIES, AdversarialTester

FOLDER = Path(__file__).parent / "weak_verifiers"
WEAK_TO = {
    "answers_alternate": ["guesses_by_turns"],
    "answers_in_environment": ["answers_in_variables", "frames", "memory"],
    "asserting_lines": ["reads_the_asserting_line"],
    "asserts": ["asserts_off"],
    "cached_outputs": ["answers_on_disk"],
    "clock_patched": ["clock_patched"],
    "conftest_picked_up": ["conftest_planted", "modules_shadowed"],
    "constant_answer": ["constants", "returns_its_arguments"],
    "daemon_left_alive": ["daemon"],
    "exceptions_pass": ["exceptions", "placeholders", "empty", "no_function"],
    "exit_code": ["sys_exit", "os_exit", "atexit_exit", "excepthook_exit", "always_equal"],
    "expected_in_frames": ["frames", "memory", "sys_exit"],
    "git_history": ["git_history"],
    "helper_redefined": ["helpers_redefined"],
    "isclose_patched": ["comparisons_patched"],
    "json_patched": ["json_patched", "builtins_patched"],
    "last_line_json": ["verdict_then_exit", "verdict_at_exit"],
    "loose_equality": ["always_equal", "lying_subclasses", "disguised_class"],
    "mutable_arguments": ["argument_mutation"],
    "not_a_number": ["numeric_overflow"],
    "only_the_type": ["returns_its_arguments"],
    "oracle_within_reach": ["oracle_called"],
    "parsed_lines": ["printed_verdict"],
    "printed_before_the_end": ["verdict_at_exit", "stdout_replaced"],
    "public_only": ["memorised_examples", "examples_in_turn"],
    "pytest_in_process": ["pytest_patched"],
    "result_file": ["result_files"],
    "skips_pass": ["skip"],
    "startup_files": ["sitecustomize_planted"],
    "subprocess_patched": ["subprocess_patched"],
    "tests_edited": ["tests_edited"],
    "timeouts_pass": ["endless_loop", "sleeps"],
    "unittest_patched": ["unittest_patched", "variables_rewritten"],
}


def test_there_are_twenty_and_each_is_listed():
    assert {path.stem for path in FOLDER.glob("*.py")} == set(WEAK_TO)
    assert len(WEAK_TO) >= 20


@pytest.mark.parametrize("name", WEAK_TO)
def test_the_way_it_is_weak_in_is_found(dg, verifier, name):
    report = AdversarialTester(dg).test(verifier(FOLDER / f"{name}.py"), WEAK_TO[name])
    assert {exploit.strategy for exploit in report.exploits} == set(WEAK_TO[name])
    assert all(exploit.score == 1.0 and exploit.remedy for exploit in report.exploits)
    assert report.reference == 1.0
    assert not report.is_robust


@pytest.mark.parametrize("name", ["exit_code", "loose_equality", "mutable_arguments", "skips_pass"])
def test_an_audit_that_knows_nothing_finds_a_way_as_well(dg, verifier, name):
    report = AdversarialTester(dg).test(verifier(FOLDER / f"{name}.py"), stop_at_first=True)
    assert report.exploits_found > 0
    assert report.risk_score == 1.0


def test_most_strategies_have_a_verifier_that_they_beat():
    beaten = {strategy for strategies in WEAK_TO.values() for strategy in strategies}
    rest = {strategy.name for strategy in CODE_STRATEGIES} - beaten
    assert rest == {"network"}  # sandboxes have none
