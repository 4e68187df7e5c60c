"""Finds task folders and turns them into :class:`~deepgym_env.task.Task` objects.

- :func:`task_ids`: ids of the built-in tasks; reads directory names only.
- :func:`load_task`: a built-in task by id.
- :func:`load_task_folder`: a task from any folder.
"""

from __future__ import annotations

import functools
import random
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deepgym_env.errors import TaskError, UnknownTaskError
from deepgym_env.task import Case, Task, TestCase

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["load_task", "load_task_folder", "task_ids"]

_SCENARIOS = Path(__file__).parent / "scenarios"


@functools.cache
def task_ids() -> tuple[str, ...]:
    """Return the ids of the built-in tasks, sorted."""
    return tuple(sorted(path.parent.name for path in _SCENARIOS.glob("*/task.toml")))


@functools.lru_cache(maxsize=256)
def load_task(task_id: str, seed: int = 0) -> Task:
    """Load a built-in task.

    Args:
        task_id: Its id, with or without the ``DeepGym/`` namespace.
        seed: Draws the seeded random tests.

    Raises:
        UnknownTaskError: If there is no such task.
        TaskError: If its folder is broken.
    """
    name = task_id.removeprefix("DeepGym/")
    if name not in task_ids():
        raise UnknownTaskError(task_id, task_ids())
    return load_task_folder(_SCENARIOS / name, seed)


def load_task_folder(folder: str | Path, seed: int = 0) -> Task:
    """Load a task from ``folder`` (``task.toml``, ``prompt.md``, ``cases.py``, ``reference.py``).

    The folder's ``cases.py`` is executed in this process: load only folders you trust.

    Args:
        folder: The task folder.
        seed: Draws the seeded random tests.

    Raises:
        TaskError: If a file is missing or wrong; the message names it.
    """
    folder = Path(folder)
    meta = _read_toml(folder / "task.toml")
    kind = meta.pop("kind", "function")
    if kind != "function":
        raise TaskError(f"{folder / 'task.toml'}: kind must be 'function', got {kind!r}")
    prelude = _read(folder / "prelude.py") if (folder / "prelude.py").exists() else ""
    module = _execute(folder / "cases.py", prelude)
    cases = getattr(module, "cases", None)
    if not callable(cases):
        raise TaskError(f"{folder / 'cases.py'}: define `def cases(rng)` that yields Case objects")
    meta.setdefault("id", folder.name)
    given = {"prompt", "reference", "prelude", "tests", "check", "seed"} & meta.keys()
    if given:
        raise TaskError(f"{folder / 'task.toml'}: {', '.join(sorted(given))} can't be set here, but in other files")
    try:
        return Task(
            **meta,
            prompt=_read(folder / "prompt.md"),
            reference=_read(folder / "reference.py") if (folder / "reference.py").exists() else None,
            prelude=prelude,
            tests=_draw(cases, meta["id"], seed, folder),
            check=getattr(module, "check", None),
            seed=seed,
        )
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'task'}: {e['msg']}" for e in error.errors())
        raise TaskError(f"{folder}: {problems}") from error


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


def _execute(path: Path, prelude: str) -> types.ModuleType:
    """Run ``cases.py`` as a module of its own, the prelude's names already in it."""
    module = types.ModuleType(f"deepgym_cases_{path.parent.name}")
    module.__file__ = str(path)
    for file, code in ((path.with_name("prelude.py"), prelude), (path, _read(path))):
        try:
            exec(compile(code, str(file), "exec"), module.__dict__)
        except (Exception, SystemExit) as error:
            raise TaskError(f"{file}: {type(error).__name__}: {error}") from error
    return module


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"{path}: can't be read: {error}") from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_read(path))
    except tomllib.TOMLDecodeError as error:
        raise TaskError(f"{path}: not valid TOML: {error}") from error
