"""HumanEval (Chen et al. 2021) as published: ``task_id, prompt, entry_point, canonical_solution, test``.

- :func:`convert`: a row's ``check(candidate)`` as data, one test per assert; :func:`convert_code`: as code.
- :func:`prompt_of`, :func:`helpers_of`: what the agent reads, and what the prompt defines for it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from deepgym_env.assertions import split_check
from deepgym_env.benchmarks.asserts import EQUAL, Asserts
from deepgym_env.benchmarks.conversion import LIMITS, NotData, Row, field, python_prompt, title_of
from deepgym_env.benchmarks.references import Referee
from deepgym_env.source import parse
from deepgym_env.task import AssertionTask, Call, Task, TestCase

__all__ = ["convert", "convert_code", "helpers_of", "prompt_of"]

_LONGEST_LOOP = 100


def convert(row: Row, referee: Referee) -> Task:
    """Return the task of a row.

    Raises:
        NotData: If a test of it is more than a call's value.
    """
    entry_point = field(row, "entry_point")
    calls = list(_calls(field(row, "test"), entry_point))
    tests = tuple(TestCase(id=f"assert_{number}", calls=(call,)) for number, call in enumerate(calls) if call)
    if not tests:
        raise NotData("its tests assert nothing")
    return Task(**_described(row), tests=tests, comparison=EQUAL)


def convert_code(row: Row, referee: Referee) -> AssertionTask:
    """Return the task of a row whose tests compute.

    Raises:
        TaskError: If it has no tests.
    """
    return AssertionTask(**_described(row), tests=split_check(field(row, "test"), field(row, "entry_point")))


def _described(row: Row) -> dict[str, Any]:
    return {
        "id": f"HumanEval/{field(row, 'task_id').rpartition('/')[2]}",
        "title": title_of(field(row, "entry_point")),
        "prompt": prompt_of(row),
        "entry_point": field(row, "entry_point"),
        "limits": LIMITS,
        "reference": field(row, "prompt") + field(row, "canonical_solution"),
        "prelude": helpers_of(row),
        "difficulty": None,
        "tags": ("humaneval",),
        "source": "https://github.com/openai/human-eval",
        "license": "MIT",
    }


def prompt_of(row: Row) -> str:
    """Return what the agent reads."""
    return python_prompt(
        "Complete this Python function. Answer with the whole function, imports included, in one code block.",
        field(row, "prompt"),
    )


def helpers_of(row: Row) -> str:
    """Return what stands before the function in the prompt: imports and helpers its solutions may use."""
    module = parse(field(row, "prompt"))
    kept = [node for node in module.body if getattr(node, "name", None) != row["entry_point"]]
    return ast.unparse(ast.Module(body=kept, type_ignores=[]))


def _calls(test: str, entry_point: str) -> Iterator[Call | None]:
    """Yield what ``check`` asserts, in order; None for an assert of nothing."""
    checks = [node for node in parse(test).body if isinstance(node, ast.FunctionDef) and node.name == "check"]
    if len(checks) != 1:
        raise NotData("its tests define no check()")
    for statement in checks[0].body:
        yield from _statement(statement, [checks[0].args.args[0].arg, entry_point], {})


def _statement(statement: ast.stmt, names: list[str], values: dict[str, Any]) -> Iterator[Call | None]:
    match statement:
        case ast.Assert(test=test):
            yield Asserts(names, values).call(test)
        case ast.Expr(value=ast.Constant() | ast.Name()):
            pass  # a docstring, or a stray name
        case ast.For(target=ast.Name(id=name), iter=ast.Call(func=ast.Name(id="range"), args=bounds), body=body):
            for value in _range(bounds):
                for inner in body:
                    yield from _statement(inner, names, {**values, name: value})
        case _:
            raise NotData(f"its tests compute: `{ast.unparse(statement).splitlines()[0]}`")


def _range(bounds: list[ast.expr]) -> range:
    numbers = [bound.value for bound in bounds if isinstance(bound, ast.Constant) and type(bound.value) is int]
    if len(numbers) != len(bounds) or len(made := range(*numbers)) > _LONGEST_LOOP:
        raise NotData("its tests loop over more than a few numbers")
    return made
