"""Turns what a submission answered, or an agent left, into verdicts; the only place that knows the right answers.

- :func:`judge_of`: the judge of a task that is a function to write.
"""

from __future__ import annotations

from deepgym_env.errors import ConfigError
from deepgym_env.judge.assertion import AssertionJudge
from deepgym_env.judge.call import CallJudge, Hearing
from deepgym_env.judge.state import Inspection, StateJudge
from deepgym_env.task import AssertionTask, FunctionTask, Task

__all__ = ["AssertionJudge", "CallJudge", "Hearing", "Inspection", "StateJudge", "judge_of"]


def judge_of(task: FunctionTask) -> CallJudge | AssertionJudge:
    """Return the judge that a task's tests ask for.

    Raises:
        TaskError: If a test can't be asked.
    """
    if isinstance(task, Task):
        return CallJudge(task)
    if isinstance(task, AssertionTask):
        return AssertionJudge(task)
    raise ConfigError(f"no judge for a {type(task).__name__}")
