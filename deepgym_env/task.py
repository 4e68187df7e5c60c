"""What a task is: frozen data, with no behaviour beyond checking itself.

- :class:`Case` and :class:`Call`: what a task's ``cases.py`` yields.
- :class:`Query`: an argument the submission can call, answered (and counted) by the judge.
- :class:`Comparison`: how an output is held against the expected value.
- :class:`Limits`: what a submission may use; :class:`SessionLimits`: a command in a session.
- :class:`TestCase`, :class:`Task`: the finished task: a function to write.
- :class:`CodeTest`, :class:`AssertionTask`: the same, tested by code that others wrote.
- :class:`File`, :class:`StateTest`, :class:`WorkspaceTask`: a task of many turns in a workspace.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from deepgym_env.source import parse

__all__ = [
    "AnyTask",
    "AssertionTask",
    "Call",
    "Case",
    "CodeTest",
    "Comparison",
    "Difficulty",
    "File",
    "FunctionTask",
    "Limits",
    "Query",
    "SessionLimits",
    "StateTest",
    "Task",
    "TestCase",
    "View",
    "WorkspaceTask",
]

Difficulty = Literal["easy", "medium", "hard"]
View = Literal["bool", "int", "float", "str", "tuple", "list", "set", "sorted", "present"]
_TEST_ID = r"^[A-Za-z0-9_.:\-]+$"
_TASK_ID = r"^([A-Za-z0-9_\-]+/)?[A-Za-z0-9_.\-]+$"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Query:
    """An argument that the submission calls like a function and the judge answers.

    The function runs on the judge's side only: the submission learns its answers and
    nothing else, and the judge's count of the calls can't be forged. It must be pure.

    Example:
        >>> is_bad = Query(lambda version: version >= 7)
        >>> is_bad(6), is_bad(7)
        (False, True)
    """

    def __init__(self, answer: Callable[..., Any]) -> None:
        """Wrap ``answer``, a pure function of plain data."""
        self.answer = answer

    def __call__(self, *args: Any) -> Any:
        """Answer one query."""
        return self.answer(*args)

    def __repr__(self) -> str:
        """Show as what the agent sees: a function."""
        return "<function>"


class Comparison(_Frozen):
    """How an output is compared; strict by type (``True`` is not ``1``, a tuple no list) but for ``equal``.

    Attributes:
        kind: ``exact``; ``float`` (floats within a tolerance, everywhere in the value);
            ``unordered`` (lists as multisets, down to ``depth`` levels); ``any_of`` (the expected
            value is a list of acceptable ones); ``equal`` (as Python's ``==`` has it on plain data:
            ``1 == 1.0 == True``, but a tuple is no list); ``close`` (the same, numbers within a
            tolerance); ``any_equal`` (``equal`` to any of a list of values); ``checker`` (the task's
            ``check`` function decides).
        rel_tol: Relative tolerance of ``float`` and ``close``.
        abs_tol: Absolute tolerance of ``float`` and ``close``.
        depth: Levels of nested lists whose order is free, for ``unordered``.
    """

    kind: Literal["exact", "float", "unordered", "any_of", "equal", "close", "any_equal", "checker"] = "exact"
    rel_tol: float = Field(default=1e-9, ge=0)
    abs_tol: float = Field(default=1e-9, ge=0)
    depth: int = Field(default=1, ge=1, le=8)


class Call(_Frozen):
    """One call of the entry point and what it should return.

    Attributes:
        args: Positional arguments: plain data, objects of prelude classes, or a :class:`Query`.
        kwargs: Keyword arguments.
        expected: The right answer; known to the judge alone.
        view: What is asked of the value returned instead of the value: a built-in applied to it, or
            ``present``, whether it is anything but None or False. Where tests made by others say
            ``set(f(x)) == {1, 2}`` or ``assert f(x)``.
        comparison: How this call's output is compared, where it isn't as the task's others are.
    """

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = Field(default_factory=dict)
    expected: Any = None
    view: View | None = None
    comparison: Comparison | None = None


class Case(_Frozen):
    """What ``cases(rng)`` yields: one test, made of one call or of several that must all be right.

    Attributes:
        calls: The calls, in order.
        id: Stable name of the test; by default ``case_NN`` from its position.
        public: Whether the agent may see the inputs and the expected values.
        budget: Queries the reference spends on this case; set on the case that measures
            efficiency, otherwise None.

    Example:
        >>> Case.of([3, 1, 2], expected=[1, 2, 3], public=True).calls[0].args
        ([3, 1, 2],)
    """

    calls: tuple[Call, ...] = Field(min_length=1)
    id: str | None = None
    public: bool = False
    budget: int | None = None

    @classmethod
    def of(
        cls, *args: Any, expected: Any, id: str | None = None, public: bool = False, budget: int | None = None
    ) -> Case:
        """Make a case of one call ``f(*args)``."""
        return cls(calls=(Call(args=args, expected=expected),), id=id, public=public, budget=budget)

    @classmethod
    def all_of(cls, *pairs: tuple[Any, Any], id: str | None = None, public: bool = False) -> Case:
        """Make a case of several one-argument calls, given as ``(argument, expected)`` pairs.

        Yes/no tasks pair positive and negative calls this way, so that no constant wins.
        """
        return cls(calls=tuple(Call(args=(arg,), expected=exp) for arg, exp in pairs), id=id, public=public)


class Limits(_Frozen):
    """What a submission may use.

    Attributes:
        cpu_seconds: CPU time of one test, summed over threads. Load on the machine doesn't count.
        wall_seconds: Time one test may spend *not* computing (asleep, blocked), in seconds.
        memory_mb: Address space on top of the interpreter's own, in MiB.
        output_bytes: Size of one test's encoded answer, in bytes; also of what it prints.
        tmp_mb: Size of the private ``/tmp``, in MiB.
        threads: Threads it may have, the first included.
        queries: Calls of :class:`Query` arguments in one test.
    """

    cpu_seconds: float = Field(default=1.0, gt=0, le=3600)
    wall_seconds: float = Field(default=5.0, gt=0, le=3600)
    memory_mb: int = Field(default=256, ge=16, le=1 << 20)
    output_bytes: int = Field(default=1 << 20, ge=1024, le=1 << 28)
    tmp_mb: int = Field(default=16, ge=1, le=1 << 16)
    threads: int = Field(default=64, ge=1, le=4096)
    queries: int = Field(default=10_000, ge=1)


class SessionLimits(_Frozen):
    """What one command in a session may use, and the session as a whole.

    Attributes:
        cpu_seconds: CPU time of a command, summed over its processes. Load on the machine doesn't count.
        wall_seconds: Time a command may spend *not* computing (asleep, blocked), in seconds.
        memory_mb: Memory of a command's processes together, in MiB.
        address_space_mb: Address space of each of its processes, in MiB; None: as ``memory_mb``. Java,
            Node and Go reserve far more than they use.
        deep_stack: Whether a process's stack may grow as far as its memory goes; else as the machine
            has it, mostly 8 MiB.
        processes: Processes and threads a command may have at a time.
        output_bytes: What is kept of a command's output, the middle left out where it is more.
        disk_mb: Size of the workspace with ``/tmp``, in MiB.
        files: Files and folders it may hold.
    """

    cpu_seconds: float = Field(default=10.0, gt=0, le=3600)
    wall_seconds: float = Field(default=30.0, gt=0, le=3600)
    memory_mb: int = Field(default=1024, ge=64, le=1 << 20)
    address_space_mb: int | None = Field(default=None, ge=64, le=1 << 30)
    deep_stack: bool = False
    processes: int = Field(default=64, ge=1, le=4096)
    output_bytes: int = Field(default=16_384, ge=256, le=1 << 26)
    disk_mb: int = Field(default=64, ge=1, le=1 << 16)
    files: int = Field(default=8192, ge=64, le=1 << 20)


class TestCase(_Frozen):
    """One test of a finished task: a :class:`Case` whose id is settled.

    Attributes:
        id: Stable, unique within the task.
        calls: The calls, all of which must be right.
        public: Whether the agent may see it.
        budget: Queries the reference spends, where this test measures efficiency.
    """

    __test__ = False  # not a pytest class

    id: str = Field(pattern=_TEST_ID)
    calls: tuple[Call, ...] = Field(min_length=1)
    public: bool = False
    budget: int | None = None


class CodeTest(_Frozen):
    """One test that is code: it passes if it runs through.

    Attributes:
        id: Stable, unique within the task.
        code: Python source. It sees the names of the task's ``support``, and of the submission the
            function asked for, also as ``candidate``, and whatever else it names.
        public: Whether the agent may see it.
    """

    id: str = Field(pattern=_TEST_ID)
    code: str
    public: bool = False


class _Described(_Frozen):
    """What every task says of itself.

    Attributes:
        id: Name, also the last part of the Gymnasium id.
        title: A few words for lists.
        prompt: What the agent reads, in Markdown.
        reference: Source of a correct solution; never shown to an agent.
        difficulty: ``easy``, ``medium`` or ``hard``; None where nobody said.
        tags: Topics.
        seed: Seed the tests were drawn with.
        source: Where the task comes from.
        license: Its licence.
    """

    id: str = Field(pattern=_TASK_ID)
    title: str
    prompt: str
    reference: str | None = None
    difficulty: Difficulty | None = "medium"
    tags: tuple[str, ...] = ()
    seed: int = 0
    source: str = ""
    license: str = "Apache-2.0"


class FunctionTask(_Described):
    """A function to write; see :class:`Task` and :class:`AssertionTask` for how it is tested.

    Attributes:
        tests: The tests, in the order of the reward vector.
        entry_point: Name of the function the submission must define; ``Solution.solve`` for a method,
            called on an instance made without arguments.
        limits: What a submission may use.
        prelude: Helper source that runs in the child before the submission.
        floor: The best score of a function that returns the same value whatever it is asked, 0..1, where
            it is known; :func:`~deepgym_env.judge.floor.floor_of` finds it out.
    """

    tests: tuple[TestCase | CodeTest, ...] = Field(min_length=1)
    entry_point: str
    limits: Limits = Limits()
    prelude: str = ""
    floor: float | None = Field(default=None, ge=0, le=1)

    @model_validator(mode="after")
    def _function_consistent(self) -> FunctionTask:
        if not all(name.isidentifier() and not keyword.iskeyword(name) for name in self.entry_point.split(".")):
            raise ValueError(f"entry_point must be a Python name, got {self.entry_point!r}")
        _insist_python(prelude=self.prelude, reference=self.reference or "")
        _insist_unique(self.tests)
        return self

    @property
    def public_tests(self) -> tuple[TestCase | CodeTest, ...]:
        """The tests an agent may see."""
        return tuple(test for test in self.tests if test.public)


class Task(FunctionTask):
    """A function to write that is tested by calls of it: arguments, and what it should return.

    Attributes:
        tests: The tests, in the order of the reward vector.
        comparison: How outputs are compared.
        check: The task's own ``check(args, expected, output) -> bool``, for ``checker``.
    """

    tests: tuple[TestCase, ...] = Field(min_length=1)
    comparison: Comparison = Comparison()
    check: Callable[[tuple[Any, ...], Any, Any], bool] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Task:
        if (self.comparison.kind == "checker") != (self.check is not None):
            raise ValueError("comparison kind 'checker' and a `check` function go together")
        return self

    @property
    def public_tests(self) -> tuple[TestCase, ...]:
        """The tests an agent may see."""
        return tuple(test for test in self.tests if test.public)


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
        _insist_python(support=self.support, **{f"test {test.id!r}": test.code for test in self.tests})
        return self

    @property
    def public_tests(self) -> tuple[CodeTest, ...]:
        """The tests an agent may see."""
        return tuple(test for test in self.tests if test.public)


@dataclass(frozen=True, slots=True)
class File:
    """A file of a workspace.

    Attributes:
        path: Relative to the workspace.
        data: Its contents.
        executable: Whether it may be run.
    """

    path: str
    data: bytes
    executable: bool = False


class StateTest(_Frozen):
    """One test of the state an agent left its workspace in.

    Attributes:
        id: Stable, unique within the task.
        public: Whether the agent may run it and see why it fails.
        title: What it looks for, one line; shown for public tests.
    """

    id: str = Field(pattern=_TEST_ID)
    public: bool = False
    title: str = ""


class WorkspaceTask(_Described):
    """A task of many turns: an agent works in a workspace, and what it leaves there is judged.

    Its ``reference`` is the source of the scripted agent that solves it.

    Attributes:
        tests: The tests, in the order of the reward vector.
        files: What the workspace holds to begin with.
        setup: Shell commands that prepare it further, run in the sandbox before the agent comes.
        support: Source whose names ``check`` and ``service`` see: how the files were drawn.
        service: Source of the HTTP service that runs beside each command; empty: none.
        check: Source of the tests, functions of a :class:`~deepgym_env.judge.checker.Workspace`;
            it runs in a process of its own and never where the agent's code runs.
        limits: What the agent's commands may use.
        max_turns: Steps after which an episode is truncated.
    """

    tests: tuple[StateTest, ...] = Field(min_length=1)
    files: tuple[File, ...] = ()
    setup: str = ""
    support: str = ""
    service: str = ""
    check: str
    limits: SessionLimits = SessionLimits()
    max_turns: int = Field(default=30, ge=1)

    @model_validator(mode="after")
    def _consistent(self) -> WorkspaceTask:
        _insist_unique(self.tests)
        return self

    @property
    def public_tests(self) -> tuple[StateTest, ...]:
        """The tests an agent may run."""
        return tuple(test for test in self.tests if test.public)


AnyTask = FunctionTask | WorkspaceTask


def _insist_python(**sources: str) -> None:
    for name, code in sources.items():
        try:
            parse(code)
        except SyntaxError as error:
            raise ValueError(f"{name} is not valid Python: {error}") from error


def _insist_unique(tests: tuple[TestCase | CodeTest | StateTest, ...]) -> None:
    ids = [test.id for test in tests]
    if len(set(ids)) != len(ids):
        raise ValueError(f"test ids must be unique, got {ids}")
