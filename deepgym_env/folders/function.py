"""Reads folders of function tasks: ``cases.py`` yields the tests, ``prelude.py`` and ``reference.py`` are source.

- :func:`load_function`
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deepgym_env.errors import TaskError
from deepgym_env.folders.reading import execute, read_text, refuse_keys, task_errors
from deepgym_env.task import Case, Task, TestCase

__all__ = ["load_function"]


def load_function(folder: Path, meta: dict[str, Any], seed: int) -> Task:
    """Load the function task in a folder; ``meta`` is what its ``task.toml`` says.

    Raises:
        TaskError: If a file is missing or wrong; the message names it.
    """
    prelude = read_text(folder / "prelude.py") if (folder / "prelude.py").exists() else ""
    module = execute(folder / "cases.py", [(folder / "prelude.py", prelude)])
    cases = getattr(module, "cases", None)
    if not callable(cases):
        raise TaskError(f"{folder / 'cases.py'}: define `def cases(rng)` that yields Case objects")
    refuse_keys(folder, meta, {"prompt", "reference", "prelude", "tests", "check", "seed"})
    with task_errors(folder):
        return Task(
            **meta,
            prompt=read_text(folder / "prompt.md"),
            reference=read_text(folder / "reference.py") if (folder / "reference.py").exists() else None,
            prelude=prelude,
            tests=_draw(cases, meta["id"], seed, folder),
            check=getattr(module, "check", None),
            seed=seed,
        )


def _draw(cases: Callable[[random.Random], Any], task_id: str, seed: int, folder: Path) -> tuple[TestCase, ...]:
    """Draw the tests of one seed; the same seed gives the same tests everywhere."""
    try:
        drawn = list(cases(random.Random(f"{task_id}:{seed}")))
    except (Exception, SystemExit) as error:
        raise TaskError(f"{folder / 'cases.py'}: cases() raised {type(error).__name__}: {error}") from error
    strangers = [case for case in drawn if not isinstance(case, Case)]
    if strangers:
        raise TaskError(f"{folder / 'cases.py'}: cases() must yield Case objects, got {strangers[0]!r}")
    return tuple(
        TestCase(id=case.id or f"case_{number:02d}", calls=case.calls, public=case.public, budget=case.budget)
        for number, case in enumerate(drawn)
    )
