"""LeetCodeDataset (Xia et al. 2025) v0.2 as published: ``task_id, prompt, completion, entry_point, test, query, meta``.

- :func:`convert`: a row's ``check(candidate)`` as data, one test per assert.
"""

from __future__ import annotations

import ast
from typing import Any, cast, get_args

from deepgym_env.benchmarks.asserts import EQUAL, Asserts
from deepgym_env.benchmarks.conversion import LIMITS, NotData, Row, field, title_of
from deepgym_env.benchmarks.nodes import NODES, binary_tree, linked_list
from deepgym_env.benchmarks.references import Referee
from deepgym_env.source import parse
from deepgym_env.task import Comparison, Difficulty, Task, TestCase

__all__ = ["convert"]

_MADE_BY = {"list_node": linked_list, "tree_node": binary_tree}
_SAME = {"is_same_list": "list_node", "is_same_tree": "tree_node"}
# The problem leaves the order open; the assert has one, and the published solution's depends on the hash seed.
_ANY_ORDER = ("word-ladder-ii",)


def convert(row: Row, referee: Referee) -> Task:
    """Return the task of a row.

    Raises:
        NotData: If a test of it is more than a call's value.
    """
    slug, meta = field(row, "task_id"), field(row, "meta", dict)
    level = str(meta.get("difficulty", "")).lower()
    nodes = any(
        name in row["test"] or name in row["query"] for name in ("list_node", "tree_node", "ListNode", "TreeNode")
    )
    return Task(
        id=f"LeetCode/{slug}",
        title=title_of(slug),
        prompt=field(row, "query").strip() + "\n",
        entry_point=_entry_point(row),
        tests=_tests(field(row, "test")),
        limits=LIMITS,
        comparison=Comparison(kind="unordered") if slug in _ANY_ORDER else EQUAL,
        reference=field(row, "completion"),
        prelude=_imports(field(row, "prompt")) + (NODES if nodes else ""),
        difficulty=cast(Difficulty, level) if level in get_args(Difficulty) else None,
        tags=("leetcode",),
        source="https://github.com/newfacade/LeetCodeDataset",
        license="MIT (data set); the problems' text is LeetCode's",
    )


def _entry_point(row: Row) -> str:
    """Return ``Solution.solve`` for what the file calls ``Solution().solve``."""
    match parse(field(row, "entry_point")).body:
        case [ast.Expr(value=ast.Attribute(value=ast.Call(func=ast.Name(id=name), args=[], keywords=[]), attr=method))]:
            return f"{name}.{method}"
        case [ast.Expr(value=ast.Name(id=name))]:
            return name
    raise NotData(f"its entry point is {row['entry_point']!r}")


def _imports(prompt: str) -> str:
    """Return the imports solutions rely on, and the names set beside them."""
    kept = (ast.Import, ast.ImportFrom, ast.Assign)
    lines = [ast.unparse(node) for node in parse(prompt).body if isinstance(node, kept)]
    return "\n".join(lines) + "\n"


def _tests(source: str) -> tuple[TestCase, ...]:
    checks = [node for node in parse(source).body if isinstance(node, ast.FunctionDef) and node.name == "check"]
    if len(checks) != 1:
        raise NotData("its tests define no check()")
    tests = []
    for number, statement in enumerate(checks[0].body):
        if not isinstance(statement, ast.Assert):
            raise NotData(f"its tests compute: `{ast.unparse(statement).splitlines()[0]}`")
        nodes = _Nodes()
        asserted = nodes.visit(_comparison(statement.test))
        call = Asserts(["candidate"], nodes.values).call(asserted)
        if call is not None:
            tests.append(TestCase(id=f"assert_{number}", calls=(call,)))
    if not tests:
        raise NotData("its tests assert nothing")
    return tuple(tests)


def _comparison(test: ast.expr) -> ast.expr:
    """Return ``a == b`` for ``is_same_tree(a, b)``."""
    match test:
        case ast.Call(func=ast.Name(id=name), args=[left, right]) if name in _SAME:
            return ast.Compare(left=left, ops=[ast.Eq()], comparators=[right])
    return test


class _Nodes(ast.NodeTransformer):
    """Puts a name in the place of each tree and linked list; ``values`` has what the names stand for."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def visit_Call(self, node: ast.Call) -> ast.expr:
        match node:
            case ast.Call(func=ast.Name(id=name), args=[ast.List(elts=items)], keywords=[]) if name in _MADE_BY:
                key = f"node {len(self.values)}"
                self.values[key] = _MADE_BY[name](ast.literal_eval(ast.List(elts=items, ctx=ast.Load())))
                return ast.Name(id=key, ctx=ast.Load())
        self.generic_visit(node)
        return node
