"""Calls as text.

- :func:`call_text`: as a person would write one.
- :func:`case_source`: as a line of ``cases.py``.
"""

from __future__ import annotations

from deepgym_env.audit.knowledge import literal
from deepgym_env.task import Call, Task

__all__ = ["call_text", "case_source"]


def call_text(task: Task, call: Call) -> str:
    """Return a call and its answer.

    Example:
        >>> from deepgym_env import load_task
        >>> call_text(load_task("coin_change"), Call(args=([2], 3), expected=-1))
        'coin_change([2], 3) == -1'
    """
    shown = [repr(arg) for arg in call.args] + [f"{name}={arg!r}" for name, arg in call.kwargs.items()]
    return f"{task.entry_point}({', '.join(shown)}) == {call.expected!r}"


def case_source(call: Call, name: str) -> str:
    """Return a line for ``cases.py``; empty where the call holds objects without a source.

    Example:
        >>> case_source(Call(args=([2], 3), expected=-1), "odd")
        "yield Case.of([2], 3, expected=-1, id='odd')"
    """
    parts = [literal(arg) for arg in call.args]
    expected = literal(call.expected)
    if call.kwargs or expected is None or None in parts:
        return ""
    return f"yield Case.of({', '.join([*map(str, parts), f'expected={expected}', f'id={name!r}'])})"
