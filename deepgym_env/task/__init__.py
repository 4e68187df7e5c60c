"""What a task is: frozen data, with no behaviour beyond checking itself.

- :class:`SubmissionTask`: answered by one piece of code. Of a function it is a :class:`Task`, tested by
  calls (:class:`Case`, :class:`Call`, :class:`Comparison`, :class:`Query`, :class:`TestCase`), or an
  :class:`AssertionTask`, tested by code that others wrote (:class:`CodeTest`). Of a program it is a
  :class:`ProgramTask`, tested by what it prints (:class:`StdioTest`, :class:`StdioComparison`). A
  :class:`SuiteTask` is tested by a suite in its own process (:class:`SuiteTest`, :class:`SuiteFile`).
  Whatever it is, a :class:`ScriptTask` is judged by a stand-alone verifier.
- :class:`WorkspaceTask`: worked on in many turns (:class:`File`, :class:`StateTest`, :class:`Equivalent`).
- :class:`Limits`, :class:`ProgramLimits`, :class:`SessionLimits`: what a submission, a program or a
  command in a session may use.
"""

from __future__ import annotations

from deepgym_env.task.base import Difficulty, LanguageName, SubmissionTask, Test
from deepgym_env.task.calls import Call, Case, Comparison, Query, TestCase, View
from deepgym_env.task.function import AssertionTask, CodeTest, FunctionTask, Task
from deepgym_env.task.limits import Limits, ProgramLimits, SessionLimits
from deepgym_env.task.program import ProgramTask, StdioComparison, StdioTest
from deepgym_env.task.script import ScriptTask
from deepgym_env.task.suite import SuiteFile, SuiteTask, SuiteTest
from deepgym_env.task.workspace import Equivalent, File, StateTest, WorkspaceTask

__all__ = [
    "AnyTask",
    "AssertionTask",
    "Call",
    "Case",
    "CodeTest",
    "Comparison",
    "Difficulty",
    "Equivalent",
    "File",
    "FunctionTask",
    "LanguageName",
    "Limits",
    "ProgramLimits",
    "ProgramTask",
    "Query",
    "ScriptTask",
    "SessionLimits",
    "StateTest",
    "StdioComparison",
    "StdioTest",
    "SubmissionTask",
    "SuiteFile",
    "SuiteTask",
    "SuiteTest",
    "Task",
    "Test",
    "TestCase",
    "View",
    "WorkspaceTask",
]

AnyTask = SubmissionTask | WorkspaceTask
