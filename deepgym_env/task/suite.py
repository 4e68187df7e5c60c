"""Tasks whose tests need the submission's own objects, in its own process.

- :class:`SuiteTask`: a solution file and the test suite of others that imports it.
- :class:`SuiteTest`: one test method or function of the suite.
- :class:`SuiteFile`: a file that lies beside the solution.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Literal

from pydantic import Field, model_validator

from deepgym_env.errors import TaskError
from deepgym_env.task.base import Frozen, SubmissionTask, Test, insist_python
from deepgym_env.task.discovery import find_tests, framework_of
from deepgym_env.task.limits import Limits

__all__ = ["SuiteFile", "SuiteTask", "SuiteTest"]

_NAME = re.compile(r"^[A-Za-z_]\w*$")


class SuiteTest(Test):
    """One test of a suite; a skipped one has failed.

    Attributes:
        name: The test in the suite: ``TestCases.test_empty``, or ``test_empty`` for a function.
    """

    name: str = Field(pattern=r"^([A-Za-z_]\w*\.)?[A-Za-z_]\w*$")


class SuiteFile(Frozen):
    """A text file beside the solution, written there before it is loaded and again before it is tested.

    Attributes:
        path: Its name, without folders.
        text: Its contents.
        hidden: Whether it comes with the suite only: data of the tests.
    """

    path: str = Field(pattern=r"^[A-Za-z0-9_\-][A-Za-z0-9_.\-]*$")
    text: str
    hidden: bool = False


class SuiteTask(SubmissionTask):
    r"""A file to write that is tested by a suite of others, unittest's or pytest's, in the same process.

    What decides runs beside what is judged, so this kind is trusted less than the others:
    :mod:`deepgym_env.judge.suite` says what guards it, docs/security.md what doesn't.

    Example:
        >>> suite = (
        ...     "import unittest, double\n"
        ...     "class T(unittest.TestCase):\n"
        ...     "    def test_two(self): self.assertEqual(double.double(2), 4)"
        ... )
        >>> task = SuiteTask.of(suite, id="double", title="Double", prompt="Write double(x).", module="double")
        >>> task.trust, task.framework, task.tests[0].name
        ('in-process', 'unittest', 'T.test_two')

    Attributes:
        tests: The tests, in the order of the reward vector.
        suite: The suite's source; it reaches the submission's process once the submission is loaded.
        framework: What runs it.
        prelude: Source that runs before the submission, in its module.
        module: The module the suite imports the solution as.
        entry_point: What the submission must define; empty: nothing in particular.
        names: What the suite takes from the solution without importing it, as if both were one file.
        files: Files beside the solution.
        packages: Packages the suite or the solution can't do without, as they are imported.
        stub: What the agent may start from.
        limits: What a submission may use.
        trust: How far a verdict can be trusted: tests and submission share a process.
    """

    tests: tuple[SuiteTest, ...] = Field(min_length=1)
    suite: str
    framework: Literal["unittest", "pytest"] = "unittest"
    prelude: str = ""
    module: str = "solution"
    entry_point: str = ""
    names: tuple[str, ...] = ()
    files: tuple[SuiteFile, ...] = ()
    packages: tuple[str, ...] = ()
    stub: str = ""
    limits: Limits = Limits(cpu_seconds=5.0, wall_seconds=5.0, memory_mb=1024, tmp_mb=64)
    trust: Literal["in-process"] = "in-process"

    @model_validator(mode="after")
    def _consistent(self) -> SuiteTask:
        for name in (self.module, *self.names, *([self.entry_point] if self.entry_point else [])):
            if not _NAME.match(name):
                raise ValueError(f"module, names and entry_point must be Python names, got {name!r}")
        names = [test.name for test in self.tests]
        if len(set(names)) != len(names):
            raise ValueError(f"each test of a suite is one test of the task, got {names}")
        if self.language != "python":
            raise ValueError(f"a suite tests Python, got {self.language!r}")
        insist_python(suite=self.suite, prelude=self.prelude, reference=self.reference or "", stub=self.stub)
        return self

    @classmethod
    def of(cls, suite: str, *, public: Collection[str] = (), **fields: Any) -> SuiteTask:
        """Make a task of a suite's source: one test for each of its test methods and functions.

        Args:
            suite: The source.
            public: The names of the tests an agent may see.
            fields: The task's other fields.

        Raises:
            TaskError: If the suite has no tests.
        """
        names = find_tests(suite)
        if not names:
            raise TaskError("the suite has no tests: no test method of a TestCase, no function test_...")
        single = len({name.rpartition(".")[0] for name in names}) == 1
        tests = tuple(
            SuiteTest(id=name.rpartition(".")[2] if single else name, name=name, public=name in public)
            for name in names
        )
        return cls(**{"framework": framework_of(suite), **fields, "suite": suite, "tests": tests})

    @property
    def public_tests(self) -> tuple[SuiteTest, ...]:
        """The tests an agent may see."""
        return tuple(test for test in self.tests if test.public)
