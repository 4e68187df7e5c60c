"""Turns test code as it is published into the tests of an :class:`~deepgym_env.task.AssertionTask`.

- :func:`split_check`: the body of a ``check(candidate)`` function, one test for each assertion.
- :func:`split_statements`: the same for any block of statements.
- :func:`is_vacuous`: whether an assertion says nothing of the submission.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence

from deepgym_env.errors import TaskError
from deepgym_env.source import parse
from deepgym_env.task import CodeTest

__all__ = ["is_vacuous", "split_check", "split_statements"]


def split_check(source: str, entry_point: str) -> tuple[CodeTest, ...]:
    r"""Return a test for each assertion at the top level of ``check(candidate)`` in ``source``.

    What stands between the assertions runs before each that follows it; a loop or a branch that holds
    assertions is one test. Assertions that say nothing are left out.

    Args:
        source: Python source that defines ``check``.
        entry_point: Name of the function asked for.

    Raises:
        TaskError: If it defines no ``check``, or nothing in it is a test.

    Example:
        >>> [test.code for test in split_check("def check(f):\n  assert f(1) == 2\n  assert f(2) == 3", "g")]
        ['assert candidate(1) == 2', 'assert candidate(2) == 3']
    """
    checks = [node for node in _parsed(source).body if isinstance(node, ast.FunctionDef) and node.name == "check"]
    if not checks or not checks[0].args.args:
        raise TaskError("the test code defines no function check(candidate)")
    parameter = checks[0].args.args[0].arg
    body = [_Renamed(parameter, "candidate").visit(node) for node in checks[0].body]
    return _tests(body, entry_point)


def split_statements(source: str, entry_point: str) -> tuple[CodeTest, ...]:
    """Return a test for each assertion at the top level of ``source``; see :func:`split_check`.

    Raises:
        TaskError: If it is no Python, or nothing in it is a test.
    """
    return _tests(_parsed(source).body, entry_point)


def is_vacuous(test: ast.expr, entry_point: str) -> bool:
    """Return whether an asserted expression says nothing: a constant, or the submission held against itself.

    Example:
        >>> is_vacuous(ast.parse("sorted(f(x)) == sorted(candidate(x))", mode="eval").body, "f")
        True
    """
    if isinstance(test, ast.Constant):
        return True
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], (ast.Eq, ast.Is)):
        return False
    sides = copy.deepcopy([test.left, test.comparators[0]])
    left, right = (ast.dump(_Renamed(entry_point, "candidate").visit(side)) for side in sides)
    return left == right


def _parsed(source: str) -> ast.Module:
    try:
        return parse(source)
    except SyntaxError as error:
        raise TaskError(f"the test code is no Python: {error}") from error


def _tests(body: Sequence[ast.stmt], entry_point: str) -> tuple[CodeTest, ...]:
    """Return the tests in a block; where what holds assertions binds names that later ones use, one test."""
    parts = [node for node in body if not _says_nothing(node, entry_point)]
    tests = [node for node in parts if _asserts(node)]
    if not tests:
        raise TaskError("the test code asserts nothing of the submission")
    bound = {name for node in tests for name in _bound(node)}
    used = {node.id for part in parts if part not in tests for node in ast.walk(part) if isinstance(node, ast.Name)}
    if bound & used or any(bound & _loaded(other) for test in tests for other in tests if other is not test):
        return (CodeTest(id="all", code="\n".join(map(ast.unparse, parts))),)
    found: list[CodeTest] = []
    before: list[ast.stmt] = []
    for node in parts:
        if node in tests:
            found.append(CodeTest(id=f"assert_{len(found)}", code="\n".join(map(ast.unparse, [*before, node]))))
        else:
            before.append(node)
    return tuple(found)


def _says_nothing(node: ast.stmt, entry_point: str) -> bool:
    if isinstance(node, ast.Assert):
        return is_vacuous(node.test, entry_point)
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _asserts(node: ast.stmt) -> bool:
    return any(isinstance(inner, (ast.Assert, ast.Raise)) for inner in ast.walk(node))


def _bound(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.Assert):
        return set()
    names = {
        inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load)
    }
    return names | {inner.name for inner in ast.walk(node) if isinstance(inner, (ast.FunctionDef, ast.ClassDef))}


def _loaded(node: ast.stmt) -> set[str]:
    names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load)}
    return names - _bound(node)


class _Renamed(ast.NodeTransformer):
    def __init__(self, old: str, new: str) -> None:
        self._old, self._new = old, new

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(id=self._new, ctx=node.ctx) if node.id == self._old else node
