"""What a mutant's one fault can be.

- :func:`replacements`: what an expression may be replaced by.
- :func:`statement_replacements`: what a statement may be replaced by.

Each gives ``(operator, node)`` pairs; the node it was asked about is left as it is.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

__all__ = ["replacements", "statement_replacements"]

_COMPARE: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
_ARITHMETIC: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add, ast.FloorDiv),
    ast.Div: (ast.Mult, ast.FloorDiv),
    ast.FloorDiv: (ast.Mult, ast.Div),
    ast.Mod: (ast.Mult, ast.FloorDiv),
    ast.Pow: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    ast.BitXor: (ast.BitOr,),
    ast.LShift: (ast.RShift,),
    ast.RShift: (ast.LShift,),
}
_SWAPPED = {"min": "max", "max": "min", "any": "all", "all": "any"}


def replacements(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Yield what an expression may be replaced by.

    Example:
        >>> expression = ast.parse("a < b", mode="eval").body
        >>> [(name, ast.unparse(each)) for name, each in replacements(expression)]
        [('comparison', 'a <= b'), ('comparison', 'a >= b')]
    """
    if isinstance(node, ast.Compare):
        yield from _comparisons(node)
    elif isinstance(node, ast.BoolOp):
        yield "boolean", ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.BinOp):
        for operator in _ARITHMETIC.get(type(node.op), ()):
            yield "arithmetic", ast.BinOp(node.left, operator(), node.right)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield "unary", node.operand
    elif isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Slice):
        yield from _slices(node)
    elif isinstance(node, ast.IfExp):
        yield "condition", ast.IfExp(_negated(node.test), node.body, node.orelse)


def statement_replacements(node: ast.stmt) -> Iterator[tuple[str, ast.stmt]]:
    r"""Yield what a statement may be replaced by.

    Example:
        >>> statement = ast.parse("while x: x -= 1").body[0]
        >>> [(name, ast.unparse(each)) for name, each in statement_replacements(statement)][0]
        ('condition', 'while not x:\n    x -= 1')
    """
    if isinstance(node, ast.If | ast.While):
        changed = copy.copy(node)
        changed.test = _negated(node.test)
        yield "condition", changed
    if isinstance(node, ast.AugAssign):
        for operator in _ARITHMETIC.get(type(node.op), ()):
            yield "arithmetic", ast.AugAssign(node.target, operator(), node.value)
    if isinstance(node, ast.Return) and not _is_none(node.value):
        yield "return", ast.Return(ast.Constant(None))
    if isinstance(node, ast.Break):
        yield "jump", ast.Continue()
    if isinstance(node, ast.Continue):
        yield "jump", ast.Break()
    if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr | ast.If | ast.For | ast.While | ast.Raise | ast.Delete):
        yield "deletion", ast.Pass()


def _comparisons(node: ast.Compare) -> Iterator[tuple[str, ast.expr]]:
    for at, operator in enumerate(node.ops):
        for other in _COMPARE[type(operator)]:
            yield "comparison", ast.Compare(node.left, [*node.ops[:at], other(), *node.ops[at + 1 :]], node.comparators)


def _constants(node: ast.Constant) -> Iterator[tuple[str, ast.expr]]:
    value = node.value
    if isinstance(value, bool):
        yield "constant", ast.Constant(not value)
    elif isinstance(value, int | float):
        yield from (("constant", ast.Constant(other)) for other in (value + 1, value - 1))
    elif isinstance(value, str):
        yield "constant", ast.Constant("" if value else "?")


def _calls(node: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name in _SWAPPED:
        yield "function", ast.Call(ast.Name(_SWAPPED[name], ast.Load()), node.args, node.keywords)
    if name == "range":
        for at, argument in enumerate(node.args):
            if not isinstance(argument, ast.Constant):
                for operator in (ast.Add(), ast.Sub()):
                    shifted = ast.BinOp(argument, operator, ast.Constant(1))
                    yield "range", ast.Call(node.func, [*node.args[:at], shifted, *node.args[at + 1 :]], node.keywords)
    if len(node.args) == 2 and not any(isinstance(each, ast.Starred) for each in node.args):
        yield "arguments", ast.Call(node.func, node.args[::-1], node.keywords)
    if any(each.arg in ("key", "reverse") for each in node.keywords):
        kept = [each for each in node.keywords if each.arg not in ("key", "reverse")]
        yield "arguments", ast.Call(node.func, node.args, kept)


def _slices(node: ast.Slice) -> Iterator[tuple[str, ast.expr]]:
    for name in ("lower", "upper"):
        bound = getattr(node, name)
        if bound is not None and not isinstance(bound, ast.Constant):
            for operator in (ast.Add(), ast.Sub()):
                changed = ast.Slice(node.lower, node.upper, node.step)
                setattr(changed, name, ast.BinOp(bound, operator, ast.Constant(1)))
                yield "range", changed


def _negated(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)


def _is_none(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)
