from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

from deepgym_env import BatchResult, CaseResult, RunResult
from deepgym_env.result import Timing


def case(number, passed, **fields):
    status = "passed" if passed else "wrong_answer"
    return CaseResult(id=f"t{number}", passed=passed, score=float(passed), status=status, **fields)


def run(*passed, status=None, **fields):
    cases = tuple(case(number, each) for number, each in enumerate(passed))
    status = status or ("passed" if all(passed) else "wrong_answer")
    return RunResult(task_id="toy", status=status, cases=cases, **fields)


LOST = run(False, False, status="infrastructure_error", details="no machine")


def test_a_result_sums_its_cases_up():
    result = run(True, False, True, True)
    assert (result.score, result.passed, result.has_verdict) == (0.75, False, True)
    assert result.vector.dtype == np.float32
    assert result.vector.tolist() == [1, 0, 1, 1]
    assert run(True, True).passed


def test_a_vector_is_new_every_time():
    result = run(True, False)
    result.vector[:] = 7
    assert result.vector.tolist() == [1, 0]


def test_without_a_verdict_there_is_no_score():
    assert (LOST.score, LOST.passed, LOST.has_verdict) == (None, False, False)
    assert LOST.vector.tolist() == [0, 0]


def test_equality_leaves_timing_out_and_nothing_else():
    result = run(True, False, details="d")
    assert result == run(True, False, details="d", timing=Timing(cpu_seconds=3, attempts=2))
    assert result != run(True, True, details="d")
    assert result != run(True, False, details="other")
    assert result != run(True, False, details="d", seed=1)
    assert result != run(True, False, details="d", status="timeout")
    assert result != "result"


def test_a_result_is_frozen_and_unhashable():
    result = run(True)
    with pytest.raises(ValidationError, match="frozen"):
        result.status = "passed"
    with pytest.raises(TypeError, match="unhashable"):
        hash(result)


@pytest.mark.parametrize("status", ["fine", "no_code", "infrastructure_error", ""])
def test_the_statuses_of_a_case_are_closed(status):
    with pytest.raises(ValidationError, match="status"):
        CaseResult(id="t", passed=False, score=0.0, status=status)


def test_the_protocol_form():
    first = case(0, True, public=True, input_summary="f(1)", expected_summary="2", output_summary="2", stdout="hi")
    result = RunResult(
        task_id="toy",
        status="wrong_answer",
        cases=(first, case(1, False)),
        reward_components={"correctness": 0.5},
        details="1 of 2 tests passed",
        seed=4,
        timing=Timing(cpu_seconds=1),
    )
    assert result.to_protocol() == {
        "schema_version": "1.0",
        "score": 0.5,
        "passed": False,
        "details": "1 of 2 tests passed",
        "cases": [
            {
                "id": "t0",
                "passed": True,
                "score": 1.0,
                "input_summary": "f(1)",
                "expected_summary": "2",
                "error": "",
            },
            {"id": "t1", "passed": False, "score": 0.0, "input_summary": "", "expected_summary": "", "error": ""},
        ],
        "reward_components": {"correctness": 0.5},
        "seed": 4,
    }
    assert json.loads(json.dumps(result.to_protocol())) == result.to_protocol()


def test_the_protocol_form_without_a_verdict():
    told = json.loads(json.dumps(LOST.to_protocol()))
    assert (told["score"], told["passed"], told["details"]) == (None, False, "no machine")


def test_json_round_trip():
    result = run(True, False, details="d", reward_components={"correctness": 0.5}, seed=9)
    assert RunResult.model_validate_json(result.model_dump_json()) == result


# ── batches ───────────────────────────────────────────────────────────────────────────────


def batch(*results):
    return BatchResult(results=results)


def test_a_batch_is_a_sequence_of_results():
    results = (run(True, True), LOST, run(True, False))
    group = batch(*results)
    assert len(group) == 3
    assert tuple(group) == results
    assert group[-1] is results[2]
    np.testing.assert_array_equal(group.scores, [1.0, np.nan, 0.5])
    np.testing.assert_array_equal(group.vectors, [[1, 1], [np.nan, np.nan], [1, 0]])
    assert group.vectors.dtype == np.float32


def test_advantages_are_relative_to_the_group():
    group = batch(run(True, True), run(False, False), run(True, False), run(True, False))
    np.testing.assert_allclose(group.advantages(normalize=False), [0.5, -0.5, 0, 0])
    scores = np.array([1, 0, 0.5, 0.5])
    np.testing.assert_allclose(group.advantages(), (scores - 0.5) / (scores.std() + 1e-6))


def test_no_verdict_counts_for_nothing():
    group = batch(run(True, True), LOST, run(False, False), LOST)
    judged = batch(run(True, True), run(False, False)).advantages()
    np.testing.assert_array_equal(group.advantages(), [judged[0], 0, judged[1], 0])


@pytest.mark.parametrize("results", [(), (LOST,), (LOST, LOST), (run(True),), (run(True), run(True))])
def test_a_group_that_tells_nothing_has_no_advantages(results):
    advantages = batch(*results).advantages()
    assert advantages.tolist() == [0.0] * len(results)


def test_an_empty_batch():
    assert batch().scores.shape == (0,)
    assert batch().vectors.shape == (0, 0)
