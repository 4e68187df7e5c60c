"""Tests that are calls: arguments, and what should come back.

- :class:`Case` and :class:`Call`: what a task's ``cases.py`` yields.
- :class:`Query`: an argument the submission can call, answered (and counted) by the judge.
- :class:`Comparison`: how an output is held against the expected value.
- :class:`TestCase`: a case whose id is settled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import Field

from deepgym_env.task.base import Frozen, Test

__all__ = ["Call", "Case", "Comparison", "Query", "TestCase", "View"]

View = Literal["bool", "int", "float", "str", "tuple", "list", "set", "sorted", "present"]


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


class Comparison(Frozen):
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


class Call(Frozen):
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


class Case(Frozen):
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


class TestCase(Test):
    """One test of a finished task: a :class:`Case` whose id is settled.

    Attributes:
        calls: The calls, all of which must be right.
        budget: Queries the reference spends, where this test measures efficiency.
    """

    calls: tuple[Call, ...] = Field(min_length=1)
    budget: int | None = None
