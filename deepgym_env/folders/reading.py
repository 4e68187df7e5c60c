"""Reading a task's folder: every mistake in it is a :class:`~deepgym_env.errors.TaskError` that names the file."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deepgym_env.errors import TaskError
from deepgym_env.task import File
from deepgym_env.task.base import problems_in

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["execute", "files_below", "is_executable", "read_text", "read_toml", "refuse_keys", "task_errors"]


def read_text(path: Path) -> str:
    """Return a file's text."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"{path}: can't be read: {error}") from error


def read_toml(path: Path) -> dict[str, Any]:
    """Return a TOML file's contents."""
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise TaskError(f"{path}: not valid TOML: {error}") from error


def files_below(folder: Path) -> tuple[File, ...]:
    """Return the files in a folder and those in it, by path; none if there is no such folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return tuple(File(path.relative_to(folder).as_posix(), path.read_bytes(), is_executable(path)) for path in paths)


def is_executable(path: Path) -> bool:
    """Return whether a file may be run by anyone, also where it lies on a mount that runs nothing."""
    return bool(path.stat().st_mode & 0o111)


def execute(path: Path, before: Iterable[tuple[Path, str]] = ()) -> types.ModuleType:
    """Run a Python file as a module of its own, after sources whose names it sees."""
    module = types.ModuleType(f"deepgym_{path.stem}_{path.parent.name}")
    module.__file__ = str(path)
    for file, code in (*before, (path, read_text(path))):
        try:
            exec(compile(code, str(file), "exec"), module.__dict__)
        except (Exception, SystemExit) as error:
            raise TaskError(f"{file}: {type(error).__name__}: {error}") from error
    return module


def refuse_keys(folder: Path, meta: dict[str, Any], elsewhere: set[str]) -> None:
    """Refuse settings that belong into files of their own."""
    given = elsewhere & meta.keys()
    if given:
        raise TaskError(f"{folder / 'task.toml'}: {', '.join(sorted(given))} can't be set here, but in other files")


@contextmanager
def task_errors(folder: Path) -> Iterator[None]:
    """Turn what pydantic finds wrong into an error that names the folder."""
    try:
        yield
    except ValidationError as error:
        raise TaskError(f"{folder}: {problems_in(error)}") from error
