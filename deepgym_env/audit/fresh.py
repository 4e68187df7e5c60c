"""Fresh tests of a function task: the same ones, drawn with other seeds.

- :data:`Redraw`: gives a task as another seed draws it.
- :func:`fresh_task`: the random calls of several seeds as one task.
- :func:`redraw_of`: for tasks of the library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from deepgym_env.catalog import load_task, task_ids
from deepgym_env.task import Call, Task, TestCase

__all__ = ["Redraw", "fresh_task", "redraw_of"]

Redraw = Callable[[int], Task]


def redraw_of(task: Task) -> Redraw | None:
    """Return what draws a task anew: for a built-in one; None for others.

    Example:
        >>> from deepgym_env import load_task
        >>> redraw_of(load_task("two_sum"))(3).seed
        3
    """
    if task.id not in task_ids("function"):
        return None
    own = load_task(task.id, task.seed)
    if not isinstance(own, Task) or [test.id for test in own.tests] != [test.id for test in task.tests]:
        return None  # another task of the same name
    return lambda seed: _function(load_task(task.id, seed))


def fresh_task(task: Task, redraw: Redraw | None, seeds: Iterable[int]) -> Task | None:
    """Return a task of the calls that are not a task's own, over several seeds, one test each.

    None where there are no such calls.

    Example:
        >>> from deepgym_env import load_task
        >>> task = load_task("two_sum")
        >>> fresh_task(task, redraw_of(task), [1]).tests[0].id
        'random_small_0:1:0'
    """
    if redraw is None:
        return None
    seen = {_text(call) for test in task.tests for call in test.calls}
    tests = []
    for seed in seeds:
        for test in redraw(seed).tests:
            for number, call in enumerate(test.calls):
                if _text(call) not in seen:
                    seen.add(_text(call))
                    tests.append(TestCase(id=f"{test.id}:{seed}:{number}", calls=(call,)))
    return task.model_copy(update={"tests": tuple(tests)}) if tests else None


def _text(call: Call) -> str:
    return repr((call.args, call.kwargs, call.expected))


def _function(task: object) -> Task:
    assert isinstance(task, Task)
    return task
