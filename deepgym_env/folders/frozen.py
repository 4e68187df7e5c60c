"""Reads the folder of a frozen task: a task of any kind as data, its tests drawn once and for all.

- :func:`load_frozen`

::

    coin_change/
      task.toml         kind = "frozen", and nothing else
      task.json         the task, as it was written by whoever froze it

Nothing of it runs in this process, so it can be a stranger's. A workspace has no scripted agent, which would.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deepgym_env.benchmarks.records import from_text
from deepgym_env.errors import TaskError
from deepgym_env.folders.reading import read_text
from deepgym_env.task import AnyTask

__all__ = ["load_frozen"]


def load_frozen(folder: Path, meta: dict[str, Any], seed: int) -> AnyTask:
    """Load the frozen task in a folder; every seed gives the same.

    Raises:
        TaskError: If a file is missing or wrong; the message names it.
    """
    told = sorted(meta.keys() - {"id"})
    if told:
        raise TaskError(f"{folder / 'task.toml'}: {', '.join(told)} can't be set here: task.json has all of it")
    file = folder / "task.json"
    text = read_text(file)
    try:
        return from_text(text)
    except TaskError as error:
        raise TaskError(f"{file}: {error}") from error
