"""The tests in a suite's source, which is read and never run.

- :func:`find_tests`: their names.
- :func:`framework_of`: what has to run them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal

from deepgym_env.source import parse

__all__ = ["find_tests", "framework_of"]

_Function = (ast.FunctionDef, ast.AsyncFunctionDef)


def find_tests(suite: str) -> tuple[str, ...]:
    r"""Return the names of a suite's tests in the order of its text, those that are always skipped left out.

    Example:
        >>> find_tests("class T(unittest.TestCase):\n    def test_a(self): ...\ndef test_b(): ...")
        ('T.test_a', 'test_b')
    """
    body = parse(suite).body
    classes = {node.name: node for node in body if isinstance(node, ast.ClassDef)}
    found: dict[str, None] = {}
    for node in body:
        if isinstance(node, _Function) and node.name.startswith("test") and not _is_skipped(node):
            found[node.name] = None
        elif isinstance(node, ast.ClassDef) and not _is_skipped(node) and (_is_case(node, classes) or _is_group(node)):
            found.update((f"{node.name}.{name}", None) for name in _methods(node, classes))
    return tuple(found)


def framework_of(suite: str) -> Literal["unittest", "pytest"]:
    """Return ``pytest`` for a suite that imports it, or has tests outside classes of unittest's."""
    body = parse(suite).body
    classes = {node.name: node for node in body if isinstance(node, ast.ClassDef)}
    imported = any(
        name.partition(".")[0] == "pytest" for node in ast.walk(ast.Module(body, [])) for name in _imported(node)
    )
    functions = any(isinstance(node, _Function) and node.name.startswith("test") for node in body)
    groups = any(_is_group(node) and not _is_case(node, classes) for node in classes.values())
    return "pytest" if imported or functions or groups else "unittest"


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


def _is_case(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> bool:
    """Whether a class is a TestCase, by its name or that of a base."""
    for base in _bases(node):
        if base.endswith("TestCase") or (base in classes and base != node.name and _is_case(classes[base], classes)):
            return True
    return False


def _is_group(node: ast.ClassDef) -> bool:
    """Whether a class is one that pytest takes tests from."""
    return node.name.startswith("Test") and not any(
        isinstance(each, ast.FunctionDef) and each.name == "__init__" for each in node.body
    )


def _bases(node: ast.ClassDef) -> list[str]:
    names = [base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases]
    return [name for name in names if name]


def _methods(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> Iterator[str]:
    """Yield the tests of a class, those of its bases in this file last."""
    for each in node.body:
        if isinstance(each, _Function) and each.name.startswith("test") and not _is_skipped(each):
            yield each.name
    for base in _bases(node):
        if base in classes and base != node.name:
            yield from _methods(classes[base], classes)


def _is_skipped(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(ast.unparse(mark).split("(")[0].endswith((".skip", "skip")) for mark in node.decorator_list)
