"""DeepGym: Gymnasium environments for coding agents, rewarded test by test.

Importing registers every built-in task as ``DeepGym/<task>``, those of imported benchmarks as
``HumanEval/0`` and the like, those in the folders ``DEEPGYM_TASKS`` names and in other packages' folders of
tasks, and starts nothing.

- :class:`DeepGym`, :class:`AsyncDeepGym`: the engine; :func:`load_environment` gives it a task.
- :func:`register`, :func:`register_folder`: make tasks of your own available by id; :func:`select_tasks`: ids by
  difficulty, tags, split and measured pass rate.
- :class:`RewardFunction`: rewards for trainers.
- :class:`AdversarialTester`: attacks a task or a verifier before a model does (:mod:`deepgym_env.audit`).
- :class:`Task`, :class:`AssertionTask`, :class:`ProgramTask`, :class:`ScriptTask`, :class:`SuiteTask`,
  :class:`WorkspaceTask`, :class:`RunResult` and their parts: what goes in and comes out.
- :class:`Program`, :class:`ProgramLimits`, :class:`ProgramResult`: stand-alone programs in any language.
- :mod:`deepgym_env.envs`, :mod:`deepgym_env.wrappers`: Gymnasium environments and wrappers.
- :mod:`deepgym_env.rollout`: an agent loop; :mod:`deepgym_env.episodes`: logs of episodes.
- :mod:`deepgym_env.benchmarks`: public benchmarks; :mod:`deepgym_env.datasets`: tasks as a Hugging Face data set.
"""

from __future__ import annotations

import warnings

from deepgym_env import added_tasks, benchmarks
from deepgym_env._version import __version__
from deepgym_env.audit import AdversarialTester, AuditReport
from deepgym_env.blocking import DeepGym
from deepgym_env.catalog import load_task, task_ids
from deepgym_env.engine import AsyncDeepGym, load_environment
from deepgym_env.envs.registration import (
    register,
    register_folder,
    register_mixture,
    register_program_envs,
    register_tasks,
)
from deepgym_env.folders import load_task_folder
from deepgym_env.programs import Program, ProgramResult
from deepgym_env.result import BatchResult, CaseResult, RunResult
from deepgym_env.rewards import RewardFunction
from deepgym_env.selection import select_tasks
from deepgym_env.task import (
    AssertionTask,
    Call,
    Case,
    CodeTest,
    Comparison,
    File,
    Limits,
    ProgramLimits,
    ProgramTask,
    Query,
    ScriptTask,
    SessionLimits,
    StateTest,
    StdioComparison,
    StdioTest,
    SuiteFile,
    SuiteTask,
    SuiteTest,
    Task,
    TestCase,
    WorkspaceTask,
)

__all__ = [
    "AdversarialTester",
    "AssertionTask",
    "AsyncDeepGym",
    "AuditReport",
    "BatchResult",
    "Call",
    "Case",
    "CaseResult",
    "CodeTest",
    "Comparison",
    "DeepGym",
    "File",
    "Limits",
    "Program",
    "ProgramLimits",
    "ProgramResult",
    "ProgramTask",
    "Query",
    "RewardFunction",
    "RunResult",
    "ScriptTask",
    "SessionLimits",
    "StateTest",
    "StdioComparison",
    "StdioTest",
    "SuiteFile",
    "SuiteTask",
    "SuiteTest",
    "Task",
    "TestCase",
    "WorkspaceTask",
    "__version__",
    "load_environment",
    "load_task",
    "load_task_folder",
    "register",
    "register_folder",
    "select_tasks",
    "task_ids",
]

register_tasks(added.id for added in added_tasks.cheap())
register_tasks(task_ids())  # after what was added: a built-in task keeps its name
register_mixture()
register_program_envs()
register_tasks(entry.id for entry in benchmarks.entries())
for _problem in (*benchmarks.problems(), *added_tasks.problems(task_ids())):
    warnings.warn(str(_problem), stacklevel=2)
