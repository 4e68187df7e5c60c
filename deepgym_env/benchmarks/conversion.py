"""What all importers share: a row of a benchmark's file becomes a task, or says why it can't.

- :data:`Row`: a row as the file has it, with the split it is of under ``split`` where that is known.
- :data:`Converter`: makes a task of a row; raises :class:`NotData` where its tests are no data.
- :func:`field`: a field of a row.
- :func:`python_prompt`, :func:`title_of`, :data:`LIMITS`: what tasks of all benchmarks have in common.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deepgym_env.benchmarks.references import Referee
from deepgym_env.errors import TaskError
from deepgym_env.task import AnyTask, Limits

__all__ = ["LIMITS", "Converter", "NotData", "Row", "field", "python_prompt", "title_of"]

Row = Mapping[str, Any]
Converter = Callable[[Row, Referee], AnyTask]

# Programs of models import much, and the official harnesses give a test seconds, not one.
LIMITS = Limits(cpu_seconds=3.0, wall_seconds=5.0, memory_mb=1024)


class NotData(TaskError):
    """A row's tests can't be told as data (arguments in, value out); the message says why."""


def field(row: Row, name: str, kind: type | tuple[type, ...] = str) -> Any:
    """Return a field of a row.

    Raises:
        NotData: If the row hasn't got it, or it is something else.
    """
    value = row.get(name)
    if not isinstance(value, kind):
        wanted = " or ".join(each.__name__ for each in (kind if isinstance(kind, tuple) else (kind,)))
        raise NotData(f"its field {name!r} should be {wanted}, got {type(value).__name__}: another format of the file?")
    return value


def python_prompt(before: str, code: str) -> str:
    """Return a prompt that ends in a block of Python."""
    return f"{before.strip()}\n\n```python\n{code.strip()}\n```\n"


def title_of(name: str) -> str:
    """Return a name as a title.

    Example:
        >>> title_of("has_close_elements"), title_of("two-sum")
        ('Has close elements', 'Two sum')
    """
    words = name.replace("_", " ").replace("-", " ").split()
    return " ".join(words)[:1].upper() + " ".join(words)[1:] if words else name
