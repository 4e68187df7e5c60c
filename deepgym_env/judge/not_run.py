"""The result of a submission of which no line was run.

- :func:`not_run`
"""

from __future__ import annotations

from collections.abc import Sequence

from deepgym_env.result import CaseResult, RunResult, RunStatus, Timing
from deepgym_env.task import AnyTask, StateTest, Task

__all__ = ["not_run"]


def not_run(
    task: AnyTask,
    status: RunStatus,
    details: str,
    timing: Timing | None = None,
    tests: Sequence[StateTest] | None = None,
) -> RunResult:
    """Return the result of a submission of which no line was run."""
    cases = tuple(
        CaseResult(id=test.id, passed=False, score=0.0, status="not_run", public=test.public)
        for test in (task.tests if tests is None else tests)
    )
    components = {"correctness": 0.0}
    if isinstance(task, Task) and any(test.budget is not None for test in task.tests):
        components["efficiency"] = 0.0
    return RunResult(
        task_id=task.id,
        status=status,
        cases=cases,
        reward_components=components,
        details=details,
        seed=task.seed,
        timing=timing or Timing(),
    )
