"""Tasks that are a function to write.

- :class:`Task`: tested by calls of it.
- :class:`CodeTest`, :class:`AssertionTask`: tested by code that others wrote.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from deepgym_env.task.base import SubmissionTask, Test, insist_python
from deepgym_env.task.calls import Comparison, TestCase
from deepgym_env.task.limits import Limits
from deepgym_env.task.script import ScriptTask

__all__ = ["AssertionTask", "CodeTest", "FunctionTask", "Task"]


class FunctionTask(SubmissionTask):
    """A function to write; see :class:`Task` and :class:`AssertionTask` for how it is tested.

    Attributes:
        entry_point: Name of the function the submission must define; ``Solution.solve`` for a method,
            called on an instance made without arguments.
        limits: What a submission may use.
        prelude: Helper source that runs in the child before the submission.
    """

    entry_point: str
    limits: Limits = Limits()
    prelude: str = ""

    @model_validator(mode="after")
    def _function_consistent(self) -> FunctionTask:
        if not all(name.isidentifier() and not keyword.iskeyword(name) for name in self.entry_point.split(".")):
            raise ValueError(f"entry_point must be a Python name, got {self.entry_point!r}")
        insist_python(prelude=self.prelude, reference=self.reference or "")
        return self


class Task(FunctionTask):
    """A function to write that is tested by calls of it: arguments, and what it should return.

    Attributes:
        tests: The tests, in the order of the reward vector.
        comparison: How outputs are compared.
        check: The task's own ``check(args, expected, output) -> bool``, for ``checker``.

    ``Task(prompt=..., verifier=...)`` makes a :class:`ScriptTask`: any task whose submissions are judged by a
    stand-alone verifier. Type checkers know it by that name.
    """

    tests: tuple[TestCase, ...] = Field(min_length=1)
    comparison: Comparison = Comparison()
    check: Callable[[tuple[Any, ...], Any, Any], bool] | None = None

    if not TYPE_CHECKING:  # else every field would seem optional

        def __new__(cls, *args, **fields):
            """Make a task of calls, or the other kind."""
            return ScriptTask(**fields) if cls is Task and "verifier" in fields else super().__new__(cls)

    @model_validator(mode="after")
    def _consistent(self) -> Task:
        if (self.comparison.kind == "checker") != (self.check is not None):
            raise ValueError("comparison kind 'checker' and a `check` function go together")
        return self

    @property
    def public_tests(self) -> tuple[TestCase, ...]:
        """The tests an agent may see."""
        return tuple(test for test in self.tests if test.public)


class CodeTest(Test):
    """One test that is code: it passes if it runs through.

    Attributes:
        code: Python source. It sees the names of the task's ``support``, and of the submission the
            function asked for, also as ``candidate``, and whatever else it names.
    """

    code: str


class AssertionTask(FunctionTask):
    """A function to write that is tested by code of others: assertions, ``check(candidate)`` and the like.

    The tests run in a process of their own. What they call of the submission runs in another one:
    arguments go in and values come out as data. See :mod:`deepgym_env.judge.assertion` for what
    crosses and how.

    Attributes:
        tests: The tests, in the order of the reward vector.
        support: Source whose names the tests see: imports, helpers of the prompt.
    """

    tests: tuple[CodeTest, ...] = Field(min_length=1)
    support: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> AssertionTask:
        if "." in self.entry_point:
            raise ValueError(f"the entry point of test code must be a function's name, got {self.entry_point!r}")
        insist_python(support=self.support, **{f"test {test.id!r}": test.code for test in self.tests})
        return self

    @property
    def public_tests(self) -> tuple[CodeTest, ...]:
        """The tests an agent may see."""
        return tuple(test for test in self.tests if test.public)
