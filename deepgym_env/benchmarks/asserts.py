"""An ``assert`` about a function, told as a call and what it should return.

- :class:`Asserts`: reads the asserts about one function.

What it knows: ``f(x) == 1`` (also ``tuple(f(x)) == ...`` and the like), ``f(x) is True``, ``f(x)``,
``not f(x)``, ``abs(f(x) - 1) < 1e-6`` and ``math.isclose(f(x), 1, rel_tol=...)``. An assert that holds
whatever the function does (``assert True``, ``f(x) == f(x)``) is none.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Any, cast, get_args

from deepgym_env.benchmarks.conversion import NotData
from deepgym_env.benchmarks.literals import NotLiteral, fold
from deepgym_env.task import Call, Comparison, View

__all__ = ["EQUAL", "Asserts"]

EQUAL = Comparison(kind="equal")
_EXACT = Comparison(kind="exact")
_VIEWS = frozenset(get_args(View)) - {"bool", "present"}


class Asserts:
    """The asserts about a function.

    A call's comparison is None where it is :data:`EQUAL`, which the task's should be.

    Example:
        >>> read = Asserts(["f"])
        >>> read.call(ast.parse("assert not f(1, y=2)").body[0].test)
        Call(args=(1,), kwargs={'y': 2}, expected=False, view='bool', comparison=None)
    """

    def __init__(self, names: Iterable[str], values: Mapping[str, Any] | None = None) -> None:
        """Read asserts about the function called by any of ``names``.

        Args:
            names: What the asserts call it.
            values: Values of names they may use.
        """
        self._names = frozenset(names)
        self._values = dict(values or {})

    def call(self, test: ast.expr) -> Call | None:
        """Return what is asserted, None if it is nothing.

        Raises:
            NotData: If it is something else than one call's value.
        """
        try:
            return self._call(test)
        except NotLiteral as error:
            raise NotData(f"`assert {_shown(test)}`: {error}") from error

    def _call(self, test: ast.expr) -> Call | None:
        if not self.mentions(test):
            if not fold(test, self._values):
                raise NotLiteral("it can't hold")
            return None
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._asked(operand, expected=False, view="bool")
            case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
                return self._equal(left, right)
            case ast.Compare(left=left, ops=[ast.Is()], comparators=[ast.Constant(value=value)]):
                return self._asked(left, expected=value, comparison=_EXACT)
            case ast.Compare(
                left=ast.Call(func=ast.Name(id="abs"), args=[ast.BinOp(left=left, op=ast.Sub(), right=right)]),
                ops=[ast.Lt() | ast.LtE()],
                comparators=[limit],
            ):
                how = Comparison(kind="close", rel_tol=0.0, abs_tol=fold(limit, self._values))
                return self._asked(left, expected=fold(right, self._values), comparison=how)
            case ast.Call(func=ast.Attribute(attr="isclose"), args=[left, right], keywords=keywords):
                tolerances = {str(each.arg): fold(each.value, self._values) for each in keywords}
                how = Comparison(kind="close", **{"rel_tol": 1e-9, "abs_tol": 0.0, **tolerances})
                return self._asked(left, expected=fold(right, self._values), comparison=how)
        return self._asked(test, expected=True, view="bool")

    def _equal(self, left: ast.expr, right: ast.expr) -> Call | None:
        if self.mentions(left) and self.mentions(right):
            return None  # the function compared with itself
        if self.mentions(right):
            left, right = right, left
        expected = fold(right, self._values)
        match left:
            case ast.Call(func=ast.Name(id=name), args=[inner], keywords=[]) if name in _VIEWS - self._names:
                return self._asked(inner, expected=expected, view=cast(View, name))
        return self._asked(left, expected=expected)

    def _asked(
        self, node: ast.expr, *, expected: Any, view: View | None = None, comparison: Comparison | None = None
    ) -> Call:
        """Return the call an expression is."""
        match node:
            case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if name in self._names:
                return Call(
                    args=tuple(fold(arg, self._values) for arg in args),
                    kwargs={str(each.arg): fold(each.value, self._values) for each in keywords if each.arg},
                    expected=expected,
                    view=view,
                    comparison=comparison,
                )
        raise NotLiteral(f"{_shown(node)} is no call of {' or '.join(sorted(self._names))}")

    def mentions(self, node: ast.AST) -> bool:
        """Return whether the function is called in an expression."""
        return any(isinstance(part, ast.Name) and part.id in self._names for part in ast.walk(node))


def _shown(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 120 else f"{text[:119]}…"
