"""APPS (Hendrycks et al. 2021) as Hugging Face has it: ``problem_id, question, solutions, input_output, ...``.

- :func:`convert`: a row is a program to write, or, where it names a function, that function.
"""

from __future__ import annotations

from typing import Any, cast

from deepgym_env.benchmarks.conversion import LIMITS as CALL_LIMITS
from deepgym_env.benchmarks.conversion import NotData, Row, field, python_prompt
from deepgym_env.benchmarks.programs import (
    first_python,
    limits_for,
    mapping,
    name_of,
    pairs_of,
    read_json,
    right_values,
    stdio_tests,
    unique,
)
from deepgym_env.benchmarks.references import Referee
from deepgym_env.task import Call, Difficulty, ProgramTask, StdioComparison, Task, TestCase

__all__ = ["convert"]

_LEVELS = {"introductory": "easy", "interview": "medium", "competition": "hard"}
# As numpy's allclose, which APPS' own harness asks; but whole numbers must be equal.
_COMPARISON = StdioComparison(kind="float", rel_tol=1e-5, abs_tol=1e-8)
_PRELUDE = "import math, re, heapq, bisect, itertools, functools, collections, string\nfrom typing import *\n"


def convert(row: Row, referee: Referee) -> Task | ProgramTask:
    """Return the task of a row: ``APPS/17``, and ``APPS/train-17`` for one of the training split.

    Both splits are numbered from 0.

    Raises:
        NotData: If it has no tests, or tests of another form.
    """
    given = row.get("input_output") or "{}"
    tests = mapping(read_json(given) if isinstance(given, str) else given, "input_output")
    question, starter = field(row, "question"), str(row.get("starter_code") or "")
    number = row["problem_id"] if "problem_id" in row else row.get("id")
    level = str(row.get("difficulty") or "")
    common: dict[str, Any] = {
        "id": f"APPS/{'train-' if row.get('split') == 'train' else ''}{name_of(number)}",
        "title": f"APPS {number}",
        "difficulty": cast(Difficulty, _LEVELS.get(level)),
        "tags": ("apps", *([level] if level else [])),
        "source": str(row.get("url") or "https://github.com/hendrycks/apps"),
        "license": "MIT (data set); the problems' text is their authors'",
    }
    pairs = pairs_of(tests.get("inputs", []), tests.get("outputs", []))
    solutions = _solutions(row)
    if tests.get("fn_name"):
        return _function(common, question, starter, str(tests["fn_name"]), pairs, solutions)
    runs = unique(stdio_tests("test", pairs, prompt=question))
    return ProgramTask(
        **common,
        prompt=_prompt(question, starter),
        tests=runs,
        comparison=_COMPARISON,
        limits=limits_for(runs),
        reference=first_python(solutions),
    )


def _solutions(row: Row) -> list[str]:
    given = row.get("solutions") or "[]"
    solutions = read_json(given) if isinstance(given, str) else given
    return [code for code in solutions if isinstance(code, str)] if isinstance(solutions, list) else []


def _prompt(question: str, starter: str) -> str:
    return python_prompt(question, starter) if starter.strip() else question.strip() + "\n"


def _function(
    common: dict[str, Any], question: str, starter: str, name: str, pairs: list[tuple[Any, Any]], solutions: list[str]
) -> Task:
    in_class = "class Solution" in starter or (
        not starter.strip() and any("class Solution" in s for s in solutions[:1])
    )
    entry_point = f"Solution.{name}" if in_class else name
    own = [code for code in solutions if ("class Solution" in code) == in_class]
    prompt = _prompt(question, starter)
    if not starter.strip():
        prompt = f"{prompt}\nWrite it as `{entry_point}`.\n"
    return Task(
        **common,
        prompt=prompt,
        entry_point=entry_point,
        tests=_calls(pairs),
        limits=CALL_LIMITS,
        prelude=_PRELUDE,
        reference=first_python(own),
    )


def _calls(pairs: list[tuple[Any, Any]]) -> tuple[TestCase, ...]:
    tests = []
    for number, (args, output) in enumerate(pairs):
        if not isinstance(args, list):
            raise NotData(f"the arguments of a call are no list but {type(args).__name__}")
        # Most outputs are a list of the one value, some the value: APPS' own harness takes either.
        alone = [output[0]] if isinstance(output, list) and output else []
        expected, how = right_values(output, *alone)
        call = Call(args=tuple(args), expected=expected, comparison=how)
        tests.append(TestCase(id=f"test_{number}", calls=(call,)))
    if not tests:
        raise NotData("it has no tests")
    return tuple(tests)
