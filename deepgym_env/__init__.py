"""DeepGym: Gymnasium environments for coding agents, rewarded test by test.

Importing registers every built-in task as ``DeepGym/<task>`` and starts nothing.

- :class:`DeepGym`, :class:`AsyncDeepGym`: the engine; :func:`load_environment` gives it a task.
- :class:`RewardFunction`: rewards for trainers.
- :class:`Task`, :class:`RunResult` and their parts: the data that goes in and comes out.
"""

from __future__ import annotations

from deepgym_env._version import __version__
from deepgym_env.catalog import load_task, load_task_folder, task_ids
from deepgym_env.engine import AsyncDeepGym, DeepGym, load_environment
from deepgym_env.envs.registration import register_mixture, register_tasks
from deepgym_env.result import BatchResult, CaseResult, RunResult
from deepgym_env.rewards import RewardFunction
from deepgym_env.task import Call, Case, Comparison, Limits, Query, Task, TestCase

__all__ = [
    "AsyncDeepGym",
    "BatchResult",
    "Call",
    "Case",
    "CaseResult",
    "Comparison",
    "DeepGym",
    "Limits",
    "Query",
    "RewardFunction",
    "RunResult",
    "Task",
    "TestCase",
    "__version__",
    "load_environment",
    "load_task",
    "load_task_folder",
    "task_ids",
]

register_tasks(task_ids())
register_mixture()
