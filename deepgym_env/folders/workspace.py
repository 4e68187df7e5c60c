"""Reads the folder of a workspace task.

- :func:`load_workspace`
"""

from __future__ import annotations

import ast
import random
from pathlib import Path
from typing import Any

from deepgym_env.errors import TaskError
from deepgym_env.folders.reading import execute, files_below, read_text, read_toml, refuse_keys, task_errors
from deepgym_env.source import parse
from deepgym_env.task import File, StateTest, WorkspaceTask

__all__ = ["load_workspace"]

_TEST = "test_"
_ELSEWHERE = {"prompt", "reference", "tests", "files", "setup", "support", "service", "check", "seed", "equivalents"}


def load_workspace(folder: Path, meta: dict[str, Any], seed: int) -> WorkspaceTask:
    """Load a workspace task; ``meta`` is its ``task.toml``.

    Raises:
        TaskError: If a file is missing or wrong; the message names it.
    """
    refuse_keys(folder, meta, _ELSEWHERE)
    check = read_text(folder / "check.py")
    with task_errors(folder):
        return WorkspaceTask(
            **meta,
            prompt=read_text(folder / "prompt.md"),
            tests=_tests(folder / "check.py", check),
            files=(*files_below(folder / "workspace"), *_drawn_files(folder / "setup.py", meta["id"], seed)),
            setup=_text(folder / "setup.sh"),
            support=_text(folder / "setup.py"),
            service=_text(folder / "service.py"),
            check=check,
            reference=_text(folder / "solve.py") or None,
            equivalents=_equivalents(folder / "equivalents.toml"),
            seed=seed,
        )


def _text(path: Path) -> str:
    return read_text(path) if path.exists() else ""


def _equivalents(path: Path) -> Any:
    """Return the tables of ``equivalents.toml``, for the task to take apart."""
    if not path.exists():
        return ()
    tables = read_toml(path)
    if tables.keys() != {"equivalent"}:
        raise TaskError(f"{path}: write tables [[equivalent]] with path, was, now and why, and nothing else")
    return tables["equivalent"]


def _tests(path: Path, source: str) -> tuple[StateTest, ...]:
    """Return the ``test_*`` functions of a checker, found without running it."""
    try:
        tree = parse(source)
    except SyntaxError as error:
        raise TaskError(f"{path}: {error}") from error
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith(_TEST)]
    if not functions:
        raise TaskError(f"{path}: define tests as `def test_something(ws)`")
    return tuple(
        StateTest(
            id=function.name.removeprefix(_TEST),
            public=any(isinstance(mark, ast.Name) and mark.id == "public" for mark in function.decorator_list),
            title=(ast.get_docstring(function) or "").partition("\n")[0],
        )
        for function in functions
    )


def _drawn_files(path: Path, task_id: str, seed: int) -> tuple[File, ...]:
    """Return what ``files(rng)`` of ``setup.py`` makes; the same seed gives the same everywhere."""
    if not path.exists():
        return ()
    files = getattr(execute(path), "files", None)
    if not callable(files):
        return ()
    try:
        drawn = dict(files(random.Random(f"{task_id}:{seed}")))
        return tuple(
            File(name, data.encode() if isinstance(data, str) else bytes(data)) for name, data in sorted(drawn.items())
        )
    except (Exception, SystemExit) as error:
        raise TaskError(f"{path}: files() raised {type(error).__name__}: {error}") from error
