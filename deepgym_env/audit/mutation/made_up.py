"""Made-up inputs: the public calls' arguments, slightly changed.

- :func:`made_up_task`: a task that asks a few hundred of them; its answers are the reference's.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

from deepgym_env.blocking import DeepGym
from deepgym_env.sandbox.runner import codec
from deepgym_env.task import Call, Comparison, Query, Task, TestCase

__all__ = ["made_up_task"]

_LONGEST = 2000  # characters of an argument's text; long ones take time and show little


def made_up_task(dg: DeepGym, task: Task, *, count: int, seed: int) -> Task | None:
    """Return a task of made-up calls with the reference's answers; None where none can be made.

    Calls on which the reference raises are left out: they are against the task's terms. So is every
    task with :class:`~deepgym_env.task.Query` arguments or several right answers.
    """
    if task.reference is None or task.comparison.kind == "any_of":
        return None
    calls = list(_calls(task, count, random.Random(f"{task.id}:{seed}")))
    if not calls:
        return None
    answers = _answers(dg, task, calls)
    tests = tuple(
        TestCase(id=f"made_up_{number}", calls=(call.model_copy(update={"expected": answers[number]}),))
        for number, call in enumerate(calls)
        if number in answers
    )
    return task.model_copy(update={"tests": tests}) if tests else None


def _answers(dg: DeepGym, task: Task, calls: list[Call]) -> dict[int, Any]:
    """Return the reference's answers, by the calls' numbers: a checker sees them as they come."""
    seen: list[Any] = []

    def note(args: tuple[Any, ...], expected: Any, output: Any) -> bool:
        seen.append((expected, output))
        return True

    tests = tuple(
        TestCase(id=f"made_up_{number}", calls=(call.model_copy(update={"expected": number}),))
        for number, call in enumerate(calls)
    )
    asking = task.model_copy(update={"tests": tests, "check": note, "comparison": Comparison(kind="checker")})
    dg.run(asking, task.reference or "")
    return dict(seen)


def _calls(task: Task, count: int, rng: random.Random) -> Iterator[Call]:
    sources = [call for test in task.tests for call in test.calls if _is_short(call)]
    seen = {_text(call) for call in sources}
    for _ in range(4 * count if sources else 0):
        call = rng.choice(sources)
        args = tuple(_changed(copy.deepcopy(arg), rng) if rng.random() < 0.7 else arg for arg in call.args)
        made = Call(args=args, kwargs=call.kwargs)
        if _text(made) not in seen and _is_short(made):
            seen.add(_text(made))
            yield made
        if len(seen) > count + len(sources):
            return


def _changed(value: Any, rng: random.Random) -> Any:
    """Return a value near another, of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice([value + 1, value - 1, 0, -value, value * 2])
    if isinstance(value, float):
        return rng.choice([value + 0.5, -value, 0.0])
    if isinstance(value, str):
        return "".join(_changed_list(list(value), rng))
    if isinstance(value, tuple):
        return tuple(_changed_list(list(value), rng))
    if isinstance(value, list):
        return _changed_list(value, rng)
    return value


def _changed_list(items: list[Any], rng: random.Random) -> list[Any]:
    if not items:
        return items
    at, how = rng.randrange(len(items)), rng.randrange(6)
    if how == 0:
        return items[:at] + items[at + 1 :]
    if how == 1:
        return items[: at + 1] + copy.deepcopy(items[at:])
    if how == 2:
        other = rng.randrange(len(items))
        items[at], items[other] = items[other], items[at]
        return items
    if how == 3:
        return items[: at + 1]
    if isinstance(items[at], str) and len(items[at]) == 1:
        items[at] = rng.choice(items)
    else:
        items[at] = _changed(items[at], rng)
    return items


def _is_short(call: Call) -> bool:
    if any(isinstance(arg, Query) for arg in call.args):
        return False
    return len(_text(call)) < _LONGEST


def _text(call: Call) -> str:
    try:
        return json.dumps([codec.encode(list(call.args)), codec.encode(dict(call.kwargs))])
    except codec.CodecError:
        return repr(call)
