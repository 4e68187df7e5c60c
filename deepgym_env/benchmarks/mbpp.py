"""MBPP (Austin et al. 2021), full and sanitized as published: ``text`` or ``prompt``, ``code, task_id, test_list``.

- :func:`convert_full`, :func:`convert_sanitized`: a row's ``test_list`` as data, one test per assert.
- :func:`convert_full_code`, :func:`convert_sanitized_code`: the same as code.

The function's name and its arguments stand nowhere but in the tests, so the agent is shown the first
one, which is public; the others are hidden.
"""

from __future__ import annotations

import ast
from typing import Any

from deepgym_env.benchmarks.asserts import EQUAL, Asserts
from deepgym_env.benchmarks.conversion import LIMITS, NotData, Row, field, python_prompt, title_of
from deepgym_env.benchmarks.references import Referee
from deepgym_env.source import parse
from deepgym_env.task import AssertionTask, CodeTest, Task, TestCase

__all__ = ["convert_full", "convert_full_code", "convert_sanitized", "convert_sanitized_code"]

# Task ids by split, from the paper's appendix.
_SPLITS = (("prompt", 1, 10), ("test", 11, 510), ("validation", 511, 600), ("train", 601, 974))


def convert_full(row: Row, referee: Referee) -> Task:
    """Return the task of a row of ``mbpp.jsonl``.

    Raises:
        NotData: If a test of it is more than a call's value.
    """
    if row.get("test_setup_code"):
        raise NotData("its tests run set-up code")
    described = _described(row, "MBPP", field(row, "text"), "")
    return Task(**described, tests=_tests(row, described["entry_point"]), comparison=EQUAL)


def convert_sanitized(row: Row, referee: Referee) -> Task:
    """Return the task of a row of ``sanitized-mbpp.json``.

    Raises:
        NotData: If a test of it is more than a call's value.
    """
    described = _described(row, "MBPPSanitized", field(row, "prompt"), _imports(row))
    return Task(**described, tests=_tests(row, described["entry_point"]), comparison=EQUAL)


def convert_full_code(row: Row, referee: Referee) -> AssertionTask:
    """Return the task of a row of ``mbpp.jsonl`` whose tests are more than values of calls.

    Its set-up code runs before each test, and may use what the solution defines.
    """
    described = _described(row, "MBPP", field(row, "text"), "")
    return AssertionTask(**described, tests=_code_tests(row, str(row.get("test_setup_code") or "")))


def convert_sanitized_code(row: Row, referee: Referee) -> AssertionTask:
    """Return the task of a row of ``sanitized-mbpp.json`` whose tests are more than values of calls."""
    described = _described(row, "MBPPSanitized", field(row, "prompt"), _imports(row))
    return AssertionTask(**described, tests=_code_tests(row, ""))


def _imports(row: Row) -> str:
    return "\n".join(field(row, "test_imports", list))


def _described(row: Row, namespace: str, text: str, imports: str) -> dict[str, Any]:
    number, code, sources = field(row, "task_id", int), field(row, "code"), field(row, "test_list", list)
    entry_point = _entry_point(code, [_assert(source) for source in sources])
    return {
        "id": f"{namespace}/{number}",
        "title": title_of(entry_point),
        "prompt": python_prompt(f"{text}\n\nYour code should pass this test, and others like it:", sources[0]),
        "entry_point": entry_point,
        "limits": LIMITS,
        "reference": code,
        "prelude": imports,
        "difficulty": None,
        "tags": ("mbpp", *(name for name, first, last in _SPLITS if first <= number <= last)),
        "source": "https://github.com/google-research/google-research/tree/master/mbpp",
        "license": "CC-BY-4.0",
    }


def _assert(source: str) -> ast.Assert:
    body = parse(source.strip()).body
    if len(body) != 1 or not isinstance(body[0], ast.Assert):
        raise NotData(f"its test is no assert: `{source}`")
    return body[0]


def _entry_point(code: str, asserts: list[ast.Assert]) -> str:
    """Return the function, or the only class, that all tests call and the solution defines."""
    nodes = [node for node in parse(code).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    defined = {node.name for node in nodes}
    called = [
        {
            call.func.id
            for call in ast.walk(node)
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in defined
        }
        for node in asserts
    ]
    common = set.intersection(*called) if called else set()
    functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    common = common & functions or common
    if len(common) != 1:
        raise NotData(f"its tests call {', '.join(sorted(common)) or 'no function of the solution'}: which is tested?")
    return common.pop()


def _code_tests(row: Row, setup: str) -> tuple[CodeTest, ...]:
    sources = field(row, "test_list", list)
    codes = ["\n".join(part.strip() for part in (setup, source) if part.strip()) for source in sources]
    return tuple(CodeTest(id=f"assert_{n}", code=code, public=n == 0) for n, code in enumerate(codes))


def _tests(row: Row, entry_point: str) -> tuple[TestCase, ...]:
    calls = [Asserts([entry_point]).call(_assert(source).test) for source in field(row, "test_list", list)]
    tests = [TestCase(id=f"assert_{n}", calls=(call,), public=n == 0) for n, call in enumerate(calls) if call]
    if not tests:
        raise NotData("its tests assert nothing")
    return tuple(tests)
