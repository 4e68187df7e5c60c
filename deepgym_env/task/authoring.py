"""How a Python function becomes a task.

- :func:`draw_inputs`: the calls to make of it; :func:`answer`: what they should return.
- :func:`make_tests`: the tests they are.
- :func:`write_prompt`: what an agent reads, from signature, docstring and examples.
"""

from __future__ import annotations

import copy
import inspect
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from deepgym_env.errors import TaskError
from deepgym_env.task.calls import Call, TestCase
from deepgym_env.task.function_source import signature_in

__all__ = ["Inputs", "answer", "draw_inputs", "make_tests", "write_prompt"]

Inputs = Iterable[Any] | Callable[[random.Random], Iterable[Any]]


def draw_inputs(inputs: Inputs, name: str, seed: int) -> list[Call]:
    """Return the calls that inputs mean; the same seed draws the same ones everywhere.

    Raises:
        TaskError: If there are none, or drawing them fails.
    """
    try:
        given = list(inputs(random.Random(f"{name}:{seed}")) if callable(inputs) else inputs)
    except Exception as error:
        raise TaskError(f"the inputs of {name}: {type(error).__name__}: {error}") from error
    if not given:
        raise TaskError(f"{name} needs at least one input, got none")
    return [_call(one) for one in given]


def _call(given: Any) -> Call:
    if isinstance(given, Call):
        return given
    return Call(args=given if isinstance(given, tuple) else (given,))


def answer(
    calls: Sequence[Call], by: Callable[..., Any] | None, expected: Iterable[Any] | None, name: str
) -> list[Call]:
    """Return the calls with their right answers: given, or a function's, run here on copies of the arguments.

    Raises:
        TaskError: If there is an answer too many or too few, or the function raises.
    """
    if expected is not None:
        values = list(expected)
        if len(values) != len(calls):
            raise TaskError(f"{name} has {len(calls)} inputs, but {len(values)} expected values")
        return [call.model_copy(update={"expected": value}) for call, value in zip(calls, values, strict=True)]
    return [call.model_copy(update={"expected": _ask(by, call, name)}) for call in calls]


def _ask(function: Callable[..., Any] | None, call: Call, name: str) -> Any:
    if function is None:
        return call.expected
    args, kwargs = copy.deepcopy((call.args, dict(call.kwargs)))
    try:
        return function(*args, **kwargs)
    except Exception as error:
        raise TaskError(
            f"{_text(name, call)} raised {type(error).__name__}: {error}: give inputs it answers"
        ) from error


def make_tests(calls: Sequence[Call], public: int, per_test: int) -> tuple[TestCase, ...]:
    """Return the tests: ``per_test`` calls in a row each, the first ``public`` of them shown."""
    if per_test < 1 or public < 0:
        raise TaskError(f"per_test must be at least 1 and public at least 0, got {per_test!r} and {public!r}")
    groups = [tuple(calls[start : start + per_test]) for start in range(0, len(calls), per_test)]
    return tuple(TestCase(id=f"case_{n:02d}", calls=group, public=n < public) for n, group in enumerate(groups))


def write_prompt(function: Callable[..., Any], source: str, tests: Sequence[TestCase]) -> str:
    """Return what an agent reads: the signature, the docstring, and public calls unless the docstring has some.

    Raises:
        TaskError: If there is no docstring.
    """
    name = function.__name__
    told = inspect.getdoc(function)
    if not told:
        raise TaskError(f"nothing says what {name} should do: give it a docstring, or prompt=...")
    shown = [f"{_text(name, call)}  # {call.expected!r}" for test in tests if test.public for call in test.calls]
    prompt = f"Write a function `{signature_in(source, name)}`.\n\n{told.strip()}\n"
    if not shown or ">>>" in told:
        return prompt
    examples = "\n".join(shown)
    return f"{prompt}\nExamples:\n\n```python\n{examples}\n```\n"


def _text(name: str, call: Call) -> str:
    arguments = [repr(arg) for arg in call.args] + [f"{key}={arg!r}" for key, arg in call.kwargs.items()]
    return f"{name}({', '.join(arguments)})"
