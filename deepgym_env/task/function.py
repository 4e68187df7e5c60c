"""Tasks that are a function to write.

- :class:`Task`: tested by calls of it.
- :class:`CodeTest`, :class:`AssertionTask`: tested by code that others wrote.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, get_args

from pydantic import Field, ValidationError, model_validator

from deepgym_env.errors import TaskError
from deepgym_env.task.authoring import Inputs, answer, draw_inputs, make_tests, write_prompt
from deepgym_env.task.base import SubmissionTask, Test, insist_python, problems_in
from deepgym_env.task.calls import Comparison, TestCase
from deepgym_env.task.function_source import source_of
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

    @classmethod
    def from_function(
        cls,
        reference: Callable[..., Any],
        inputs: Inputs,
        *,
        name: str | None = None,
        prompt: str | None = None,
        public: int = 2,
        per_test: int = 1,
        oracle: Callable[..., Any] | None = None,
        expected: Iterable[Any] | None = None,
        comparison: Comparison | str = "exact",
        checker: Callable[[tuple[Any, ...], Any, Any], bool] | None = None,
        source: str | None = None,
        seed: int = 0,
        **fields: Any,
    ) -> Task:
        """Make a task of a function that solves it.

        The function must be its author's own: it runs here, once for each input, on copies of the arguments.
        Its source, with what it uses of its module, is the task's reference.

        Args:
            reference: A correct solution; its name is the entry point.
            inputs: What it is called with: a tuple is the arguments, anything else the only argument, a
                :class:`Call` may have keyword arguments. A function of a ``random.Random`` draws them.
            name: The task's id; by default the function's name.
            prompt: What the agent reads; by default signature, docstring and public examples.
            public: How many tests, the first ones, the agent may see.
            per_test: Calls in each test, all of which must be right. More than one where there are few
                different answers (yes or no), so that no constant answer wins.
            oracle: Answers the inputs instead of the reference, best in another, slower way.
            expected: The right answers, one per input, instead.
            comparison: How outputs are compared, or just the kind of it.
            checker: ``checker(args, expected, output) -> bool``, which decides instead of a comparison.
            source: The reference's source, where it isn't to be had from the function.
            seed: Seed the inputs are drawn with.
            **fields: Other fields of the task: ``title``, ``difficulty``, ``tags``, ``limits``, ``prelude`` ...

        Raises:
            TaskError: If the function's source or answers aren't to be had, or a field has a value that can't work.

        Example:
            >>> def double(x):
            ...     "Return twice x."
            ...     return 2 * x
            >>> task = Task.from_function(double, [1, 2, 3, -4])
            >>> print(task.prompt)
            Write a function `double(x)`.
            <BLANKLINE>
            Return twice x.
            <BLANKLINE>
            Examples:
            <BLANKLINE>
            ```python
            double(1)  # 2
            double(2)  # 4
            ```
            <BLANKLINE>
        """
        if oracle is not None and expected is not None:
            raise TaskError("the right answers come from an oracle or are expected=[...], not both")
        entry_point = reference.__name__
        known = source_of(reference) if source is None else source
        called = draw_inputs(inputs, name or entry_point, seed)
        tests = make_tests(answer(called, oracle or reference, expected, entry_point), public, per_test)
        given = {
            "id": name or entry_point,
            "title": entry_point.replace("_", " ").capitalize(),
            "prompt": write_prompt(reference, known, tests) if prompt is None else prompt,
            "entry_point": entry_point,
            "reference": known,
            "comparison": _comparison("checker" if checker else comparison),
            "check": checker,
            "source": "written in Python",
        }
        try:
            return cls(**{**given, **fields, "tests": tests, "seed": seed})
        except ValidationError as error:
            raise TaskError(f"{name or entry_point}: {problems_in(error)}") from error


def _comparison(how: Comparison | str) -> Comparison:
    if isinstance(how, Comparison):
        return how
    kinds = get_args(Comparison.model_fields["kind"].annotation)
    if how not in kinds:
        raise TaskError(f"comparison must be a Comparison or one of {', '.join(kinds)}, got {how!r}")
    return Comparison(kind=how)  # type: ignore[arg-type]


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
