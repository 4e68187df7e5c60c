"""Twenty-six verifiers, each weak in one way: the audit finds that they can be cheated, and the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepgym_env.audit import AdversarialTester

FOLDER = Path(__file__).parent / "weak_verifiers"
WEAK_TO = {
    "answers_in_environment": ["answers_in_variables", "frames", "memory"],
    "asserts": ["asserts_off"],
    "cached_outputs": ["answers_on_disk"],
    "clock_patched": ["clock_patched"],
    "conftest_picked_up": ["conftest_planted", "modules_shadowed"],
    "constant_answer": ["constants", "returns_its_arguments"],
    "daemon_left_alive": ["daemon"],
    "exceptions_pass": ["exceptions", "placeholders"],
    "exit_code": ["sys_exit", "os_exit", "atexit_exit", "excepthook_exit", "always_equal"],
    "expected_in_frames": ["frames", "memory", "sys_exit"],
    "git_history": ["git_history"],
    "helper_redefined": ["helpers_redefined"],
    "json_patched": ["json_patched", "builtins_patched"],
    "last_line_json": ["verdict_then_exit", "verdict_at_exit"],
    "loose_equality": ["always_equal", "lying_subclasses"],
    "mutable_arguments": ["argument_mutation"],
    "not_a_number": ["numeric_overflow"],
    "only_the_type": ["returns_its_arguments"],
    "parsed_lines": ["printed_verdict"],
    "printed_before_the_end": ["verdict_at_exit", "stdout_replaced"],
    "public_only": ["memorised_examples", "examples_in_turn"],
    "result_file": ["result_files"],
    "skips_pass": ["skip"],
    "startup_files": ["sitecustomize_planted"],
    "tests_edited": ["tests_edited"],
    "timeouts_pass": ["endless_loop", "sleeps"],
    "unittest_patched": ["unittest_patched"],
}
each_verifier = pytest.mark.parametrize("name", WEAK_TO)


def test_there_are_twenty_and_each_is_listed():
    assert {path.stem for path in FOLDER.glob("*.py")} == set(WEAK_TO)
    assert len(WEAK_TO) >= 20


@each_verifier
def test_a_weak_verifier_is_found_exploitable(dg, verifier, name):
    report = AdversarialTester(dg).test(verifier(FOLDER / f"{name}.py"), stop_at_first=True)
    assert report.reference == 1.0
    assert not report.is_robust
    assert report.risk_score == 1.0 or name == "clock_patched"


@each_verifier
def test_the_way_it_is_weak_in_is_found(dg, verifier, name):
    report = AdversarialTester(dg).test(verifier(FOLDER / f"{name}.py"), WEAK_TO[name])
    assert {exploit.strategy for exploit in report.exploits} == set(WEAK_TO[name])
    assert all(exploit.score == 1.0 and exploit.remedy for exploit in report.exploits)
