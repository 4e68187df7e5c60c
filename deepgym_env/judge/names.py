"""Names in test code.

- :func:`foreign_names`: what it takes from the submission.
"""

from __future__ import annotations

import ast
import builtins

__all__ = ["foreign_names"]


def foreign_names(code: str, support: str, entry_point: str) -> tuple[str, ...]:
    r"""Return the names that ``code`` uses and nobody but the submission can define, sorted.

    Args:
        code: Source of a test.
        support: Source whose names it sees.
        entry_point: The function asked for, which it is given anyway, as ``candidate`` is.

    Example:
        >>> foreign_names("root = Node(1)\nassert depth(root) == len([1])", "import math", "depth")
        ('Node',)
    """
    test, helpers = _Names(), _Names()
    test.visit(ast.parse(code))
    helpers.visit(ast.parse(support))
    known = test.bound | helpers.bound | {entry_point, "candidate", *dir(builtins)}
    return tuple(sorted((test.used | helpers.used) - known))


class _Names(ast.NodeVisitor):
    """Collects the names that are used, and those that are bound anywhere."""

    def __init__(self) -> None:
        self.used: set[str] = set()
        self.bound: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        (self.used if isinstance(node.ctx, ast.Load) else self.bound).add(node.id)

    def visit_arg(self, node: ast.arg) -> None:
        self.bound.add(node.arg)

    def visit_alias(self, node: ast.alias) -> None:
        self.bound.add(node.asname or node.name.partition(".")[0])

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self.bound.add(node.name or "")
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.bound.add(node.name)
        self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.bound.add(node.name)
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.bound.add(node.name)
        self.generic_visit(node)
