"""Turns what a submission answered, or an agent left, into verdicts; the only place that knows the right answers.

- :func:`judge_of`: the judge of a task that is answered by one submission.
"""

from __future__ import annotations

from deepgym_env.errors import ConfigError
from deepgym_env.judge.assertion import AssertionJudge
from deepgym_env.judge.base import Judge, Sandboxes
from deepgym_env.judge.call import CallJudge
from deepgym_env.judge.script import ScriptJudge
from deepgym_env.judge.state import StateJudge
from deepgym_env.judge.stdio import StdioJudge
from deepgym_env.judge.suite import SuiteJudge
from deepgym_env.task import AssertionTask, ProgramTask, ScriptTask, SubmissionTask, SuiteTask, Task

__all__ = [
    "AssertionJudge",
    "CallJudge",
    "Judge",
    "Sandboxes",
    "ScriptJudge",
    "StateJudge",
    "StdioJudge",
    "SuiteJudge",
    "judge_of",
]


def judge_of(task: SubmissionTask) -> Judge:
    """Return the judge that a task's tests ask for.

    Raises:
        TaskError: If a test can't be asked.
    """
    if isinstance(task, Task):
        return CallJudge(task)
    if isinstance(task, AssertionTask):
        return AssertionJudge(task)
    if isinstance(task, ScriptTask):
        return ScriptJudge(task)
    if isinstance(task, ProgramTask):
        return StdioJudge(task)
    if isinstance(task, SuiteTask):
        return SuiteJudge(task)
    raise ConfigError(f"no judge for a {type(task).__name__}")
