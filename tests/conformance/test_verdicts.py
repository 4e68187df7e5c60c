"""The same submission gets the same verdict on every backend, to the last test."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepgym_env import DeepGym, load_environment, task_ids

from .submissions import SUBMISSIONS, TASK, Submission

WRONG = Path(__file__).parents[1] / "wrong_solutions"


@pytest.mark.parametrize("submission", SUBMISSIONS, ids=lambda submission: submission.name)
def test_a_submission(backend: DeepGym, reference: DeepGym, submission: Submission) -> None:
    result = backend.run(TASK, submission.code)
    assert result.has_verdict, result.details
    assert result.timing.attempts == 1
    assert tuple(case.status for case in result.cases) == submission.statuses
    assert result.status == submission.expected
    assert result == reference.run(TASK, submission.code)


@pytest.mark.parametrize("task_id", task_ids("function"))
def test_a_built_in_task(backend: DeepGym, reference: DeepGym, task_id: str) -> None:
    task = load_environment(task_id)
    assert backend.run(task, str(task.reference)).passed
    wrong = sorted((WRONG / task_id).glob("*.py"))[0].read_text()
    result = backend.run(task, wrong)
    assert not result.passed
    assert result == reference.run(task, wrong)


def test_a_batch_is_what_its_members_are(backend: DeepGym) -> None:
    quick = [each for each in SUBMISSIONS if each.expected != "timeout"]
    codes = [f"{each.code}\n# {n}" for each in quick for n in range(2) if each.code]
    statuses = [each.statuses for each in quick for n in range(2) if each.code]
    batch = backend.run_batch(TASK, codes)
    assert [tuple(case.status for case in result.cases) for result in batch] == statuses
