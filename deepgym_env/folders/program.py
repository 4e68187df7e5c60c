"""Reads the folder of a program task.

- :func:`load_program`

::

    double/
      task.toml         kind = "program", title, language, public = ["two"], optionally [limits] and [comparison]
      prompt.md         what the agent reads
      tests/two.in      what the program reads; may be missing: nothing
      tests/two.out     what it should print; two.out.1, two.out.2 ... are right as well
      reference.py      a correct program, also reference.cpp and the like, never shown
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from deepgym_env.errors import TaskError
from deepgym_env.folders.reading import read_text, refuse_keys, task_errors
from deepgym_env.programs import LANGUAGES
from deepgym_env.task import LanguageName, ProgramTask, StdioTest

__all__ = ["load_program"]

_ELSEWHERE = {"prompt", "reference", "references", "rejected", "tests", "seed"}


def load_program(folder: Path, meta: dict[str, Any], seed: int) -> ProgramTask:
    """Load a program task; ``meta`` is its ``task.toml``.

    Raises:
        TaskError: If a file is missing or wrong; the message names it.
    """
    refuse_keys(folder, meta, _ELSEWHERE)
    public = meta.pop("public", [])
    if not isinstance(public, list) or not all(isinstance(name, str) for name in public):
        raise TaskError(f"{folder / 'task.toml'}: public must list names of tests, got {public!r}")
    with task_errors(folder):
        return ProgramTask(
            **meta,
            prompt=read_text(folder / "prompt.md"),
            tests=_tests(folder / "tests", public),
            references=_references(folder),
            seed=seed,
        )


def _references(folder: Path) -> dict[LanguageName, str]:
    named = {name: folder / f"reference{language.ending}" for name, language in LANGUAGES.items()}
    return {name: read_text(path) for name, path in named.items() if path.exists()}


def _tests(folder: Path, public: list[str]) -> tuple[StdioTest, ...]:
    """Return the tests: the public ones as they are listed, then the others by name."""
    names = {path.name.removesuffix(".out") for path in folder.glob("*.out")}
    if not names:
        raise TaskError(f"{folder}: give each test as NAME.in and NAME.out, there is no NAME.out")
    _refuse_strangers(folder, names)
    unknown = [name for name in public if name not in names]
    if unknown:
        close = difflib.get_close_matches(unknown[0], names, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(sorted(names))}"
        raise TaskError(f"{folder.parent / 'task.toml'}: public names no test {unknown[0]!r}: {hint}")
    return tuple(_test(folder, name, name in public) for name in [*dict.fromkeys(public), *sorted(names - {*public})])


def _refuse_strangers(folder: Path, names: set[str]) -> None:
    """Refuse a file that would be overlooked: a misspelt test would be none."""
    for path in sorted(folder.iterdir()):
        name, _, ending = path.name.partition(".out.") if ".out." in path.name else path.name.rpartition(".")
        known = ending in ("in", "out") or (".out." in path.name and ending.isdecimal())
        if path.name.startswith("."):
            continue
        if name not in names or not known:
            raise TaskError(f"{path}: belongs to no test: a test is NAME.in and NAME.out (and NAME.out.1, ...)")


def _test(folder: Path, name: str, public: bool) -> StdioTest:
    given = folder / f"{name}.in"
    others = sorted(folder.glob(f"{name}.out.*"), key=lambda path: int(path.name.rpartition(".")[2]))
    right = folder / f"{name}.out"
    with task_errors(right):
        return StdioTest(
            id=name,
            public=public,
            stdin=_exactly(given) if given.exists() else "",
            expected=_exactly(right),
            accepted=tuple(map(_exactly, others)),
        )


def _exactly(path: Path) -> str:
    """Return a file's text with its line ends as they are."""
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"{path}: can't be read: {error}") from error
