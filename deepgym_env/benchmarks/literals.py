"""Values written in source, read without running any of it.

- :func:`fold`: the value of an expression of literals, arithmetic on them and plain constructors.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["NotLiteral", "fold"]

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}
_CONSTRUCTORS: dict[str, Callable[..., Any]] = {
    made.__name__: made for made in (tuple, list, set, frozenset, str, int, float, complex)
}
_LARGEST = 1 << 64  # of a number that is multiplied or raised, or of a sequence that is repeated


class NotLiteral(ValueError):
    """The expression is no literal; the message shows it."""


def fold(node: ast.expr, names: Mapping[str, Any] | None = None) -> Any:
    """Return the value of a literal expression.

    Args:
        node: The expression.
        names: Values of names it may use.

    Raises:
        NotLiteral: If it is none.

    Example:
        >>> fold(ast.parse("[2 * 3, -1, tuple([1])]", mode="eval").body)
        [6, -1, (1,)]
    """
    try:
        return _fold(node, names or {})
    except NotLiteral:
        raise
    except Exception as error:  # whatever Python itself would have raised
        raise NotLiteral(f"{_shown(node)}: {error}") from error


def _fold(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant():
            return node.value
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.List(elts=items):
            return [_fold(item, names) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_fold(item, names) for item in items)
        case ast.Set(elts=items):
            return {_fold(item, names) for item in items}
        case ast.Dict(keys=keys, values=values) if None not in keys:
            pairs = zip(keys, values, strict=True)
            return {_fold(key, names): _fold(value, names) for key, value in pairs if key is not None}
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_fold(operand, names))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _combine(type(op), _fold(left, names), _fold(right, names))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _CONSTRUCTORS:
            return _CONSTRUCTORS[name](*(_fold(arg, names) for arg in args))
    raise NotLiteral(f"{_shown(node)} is no literal")


def _combine(op: type[ast.AST], left: Any, right: Any) -> Any:
    """Apply an operator, unless the result could be huge."""
    if op in (ast.Mult, ast.Pow, ast.Mod):
        sizes = [abs(value) if isinstance(value, (int, float)) else len(value) << 32 for value in (left, right)]
        limit = 1 << 10 if op is ast.Pow else _LARGEST
        if max(sizes) > limit:
            raise NotLiteral("a number too large to compute with")
    return _OPERATORS[op](left, right)


def _shown(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 80 else f"{text[:79]}…"
