"""HumanEval+ and MBPP+ (Liu et al. 2023) as published: inputs, and solutions that say what is right.

- :func:`humaneval_plus`, :func:`mbpp_plus`: converters, one test per input, equal inputs once.

Right is what the reference solution answers, asked once in the sandbox. Answers are compared as EvalPlus
does: as ``==`` has it, or, where a tolerance is given or floats are expected, within it; see
:mod:`deepgym_env.benchmarks.plus_oracles` for the tasks that EvalPlus treats apart.
"""

from __future__ import annotations

import ast
import functools
import random
from collections.abc import Sequence
from typing import Any

from deepgym_env.benchmarks.asserts import EQUAL
from deepgym_env.benchmarks.conversion import LIMITS, Converter, NotData, Row, field, python_prompt, title_of
from deepgym_env.benchmarks.humaneval import helpers_of, prompt_of
from deepgym_env.benchmarks.literals import fold
from deepgym_env.benchmarks.plus_oracles import Oracle, oracle_of
from deepgym_env.benchmarks.references import Answers, Referee
from deepgym_env.benchmarks.typed_inputs import shapes_of
from deepgym_env.sandbox.runner import codec
from deepgym_env.source import parse
from deepgym_env.task import Call, Comparison, Limits, Task, TestCase

__all__ = ["humaneval_plus", "mbpp_plus"]

_Input = tuple[str, tuple[Any, ...]]  # a test's id and the arguments

_REL_TOL = 1e-7
_FLOAT_TOL = 1e-6  # where floats are expected and the task names no tolerance
_SLOWEST = 60.0  # CPU-seconds all answers of a reference solution may take, as EvalPlus gives a task
_ROOMY = 2  # a submission's answer may be this many times as long as the reference's


def humaneval_plus(plus_inputs: int | None = None) -> Converter:
    """Return the converter of HumanEval+.

    Args:
        plus_inputs: At most so many of a task's plus inputs, drawn the same way every time; None: all.
    """
    return functools.partial(_humaneval_row, plus_inputs)


def mbpp_plus(plus_inputs: int | None = None) -> Converter:
    """Return the converter of MBPP+; see :func:`humaneval_plus`."""
    return functools.partial(_mbpp_row, plus_inputs)


def _humaneval_row(plus_inputs: int | None, row: Row, referee: Referee) -> Task:
    inputs = _inputs(row, row.get("base_input"), row.get("plus_input"), plus_inputs)
    code = field(row, "prompt") + field(row, "canonical_solution")
    oracle = oracle_of("humaneval", field(row, "entry_point"))
    answers = _answers(referee, code, row["entry_point"], inputs, oracle)
    return Task(
        id=f"HumanEvalPlus/{field(row, 'task_id').rpartition('/')[2]}",
        title=title_of(row["entry_point"]),
        prompt=prompt_of(row),
        entry_point=row["entry_point"],
        reference=code,
        prelude=helpers_of(row),
        tags=("humaneval", "evalplus"),
        source="https://github.com/evalplus/humanevalplus_release",
        **_judged(row, inputs, answers, oracle, public=False),
    )


def _mbpp_row(plus_inputs: int | None, row: Row, referee: Referee) -> Task:
    inputs = _inputs(row, *_typed(row), plus_inputs)
    code = field(row, "canonical_solution")
    oracle = oracle_of("mbpp", field(row, "entry_point"))
    answers = _answers(referee, code, row["entry_point"], inputs, oracle)
    text, example = _text_and_example(field(row, "prompt"))
    return Task(
        id=f"MBPPPlus/{field(row, 'task_id').rpartition('/')[2]}",
        title=title_of(row["entry_point"]),
        prompt=python_prompt(f"{text}\n\nYour code should pass this test, and others like it:", example),
        entry_point=row["entry_point"],
        reference=code,
        tags=("mbpp", "evalplus"),
        source="https://github.com/evalplus/mbppplus_release",
        **_judged(row, inputs, answers, oracle, public=True),
    )


# ── inputs ────────────────────────────────────────────────────────────────────────────────


def _inputs(row: Row, base: Any, plus: Any, limit: int | None) -> list[_Input]:
    """Return the inputs to ask, each with the id of its test."""
    base, plus = base or [], plus or []
    if not isinstance(base, list) or not isinstance(plus, list) or not base:
        raise NotData("it has no list base_input: another format of the file?")
    chosen = range(len(plus))
    if limit is not None and limit < len(plus):
        chosen = sorted(random.Random(row["task_id"]).sample(chosen, limit))  # type: ignore[assignment]
    named = [(f"base_{n}", each) for n, each in enumerate(base)] + [(f"plus_{n}", plus[n]) for n in chosen]
    different: dict[str, _Input] = {}
    for name, args in named:
        different.setdefault(codec.encode(list(args), 1 << 28, in_order=True), (name, tuple(args)))
    return list(different.values())


def _typed(row: Row) -> tuple[Any, Any]:
    """Return base and plus inputs with the types JSON has lost."""
    parts: list[Any] = [field(row, "base_input", list), row.get("plus_input")]
    contract = row.get("contract", "")
    if "(list, tuple)" in contract or "(tuple, list)" in contract:  # either will do
        return parts[0], parts[1]
    name = field(row, "entry_point")
    examples = [
        [fold(arg) for arg in node.args]
        for node in ast.walk(parse(field(row, "assertion").strip()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]
    shapes = shapes_of(examples)
    if any(len(args) != len(shapes) for part in parts for args in part or []):
        raise NotData("its asserts and its inputs differ in their number of arguments")
    base, plus = (
        [[shape.restore(arg) for shape, arg in zip(shapes, args, strict=True)] for args in part or []] for part in parts
    )
    return base, plus


def _text_and_example(prompt: str) -> tuple[str, str]:
    """Return the statement and the example of an MBPP+ prompt, which is a docstring with both."""
    lines = prompt.strip().strip('"').strip().splitlines()
    at = next((n for n, line in enumerate(lines) if line.startswith("assert")), len(lines))
    return "\n".join(lines[:at]), "\n".join(lines[at:])


# ── answers ───────────────────────────────────────────────────────────────────────────────


def _answers(referee: Referee, code: str, name: str, inputs: Sequence[_Input], oracle: Oracle) -> Answers:
    if oracle.accepts_all:
        raise NotData("EvalPlus accepts any answer to it")
    answers = referee.ask(code, name, [Call(args=args, view=oracle.view) for _, args in inputs])
    if answers.cpu_seconds > _SLOWEST:
        raise NotData(f"its own solution takes {answers.cpu_seconds:.0f} CPU-seconds, more than {_SLOWEST:.0f}")
    return answers


def _judged(row: Row, inputs: Sequence[_Input], answers: Answers, oracle: Oracle, public: bool) -> dict[str, Any]:
    """Return the part of a task that judges."""
    tolerance = field(row, "atol", (int, float))
    tests = []
    for number, ((name, args), answer) in enumerate(zip(inputs, answers.values, strict=True)):
        call = Call(
            args=args,
            expected=oracle.expected(args, answer),
            view=oracle.view,
            comparison=oracle.comparison or _within(tolerance, answer),
        )
        tests.append(TestCase(id=name, calls=(call,), public=public and number == 0))
    checker = Comparison(kind="checker") if oracle.check else None
    return {
        "tests": tuple(tests),
        "comparison": checker or EQUAL,
        "check": oracle.check,
        "limits": _limits(answers),
        "difficulty": None,
        "license": "Apache-2.0",
    }


def _within(tolerance: float, answer: Any) -> Comparison | None:
    if tolerance == 0 and not _floats(answer):
        return None
    return Comparison(kind="close", rel_tol=_REL_TOL, abs_tol=tolerance or _FLOAT_TOL)


def _floats(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(item, float) for item in value)
    return isinstance(value, float)


def _limits(answers: Answers) -> Limits:
    longest = max(map(_size, answers.values))
    return LIMITS.model_copy(
        update={
            "cpu_seconds": min(_SLOWEST, max(LIMITS.cpu_seconds, 4 * answers.cpu_seconds)),
            "output_bytes": max(LIMITS.output_bytes, _ROOMY * longest),
        }
    )


def _size(value: Any) -> int:
    return len(codec.encode(value, 1 << 28))
