"""Reads the folder of a task that is judged by a stand-alone verifier.

- :func:`load_script`
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from deepgym_env.errors import TaskError
from deepgym_env.folders.reading import files_below, read_text, refuse_keys, task_errors
from deepgym_env.programs import LANGUAGES
from deepgym_env.task import File, LanguageName, ScriptTask
from deepgym_env.task.script import TEST_CASES

__all__ = ["load_script"]

_ELSEWHERE = {"prompt", "reference", "verifier", "verifier_language", "files", "seed"}


def load_script(folder: Path, meta: dict[str, Any], seed: int) -> ScriptTask:
    """Load a script task; ``meta`` is its ``task.toml``. Nothing of it is run.

    Raises:
        TaskError: If a file is missing or wrong; the message names it.
    """
    refuse_keys(folder, meta, _ELSEWHERE)
    verifier, language = _verifier(folder)
    reference = _path(folder, "reference", meta.get("language", "python"))
    cases = folder / TEST_CASES
    if "tests" in meta:
        meta["tests"] = _tests(folder, meta["tests"])
    with task_errors(folder):
        return ScriptTask(
            **meta,
            prompt=read_text(folder / "prompt.md"),
            verifier=read_text(verifier),
            verifier_language=language,
            files=(*files_below(folder / "files"), *([File(TEST_CASES, cases.read_bytes())] if cases.exists() else ())),
            reference=read_text(reference) if reference.exists() else None,
            seed=seed,
        )


def _verifier(folder: Path) -> tuple[Path, LanguageName]:
    """Return the verifier's file and what its name says it is written in."""
    paths = {language: _path(folder, "verifier", language) for language in get_args(LanguageName)}
    found = [(path, language) for language, path in paths.items() if path.exists()]
    if len(found) != 1:
        there = " and ".join(path.name for path, _ in found) or "none"
        names = ", ".join(path.name for path in paths.values())
        raise TaskError(f"{folder}: a script task has one verifier, found {there}; it is called one of {names}")
    return found[0]


def _path(folder: Path, name: str, language: Any) -> Path:
    """Return where a file in a language is; one that doesn't exist is found wrong later."""
    return folder / (name + LANGUAGES[language].ending if language in get_args(LanguageName) else name)


def _tests(folder: Path, given: Any) -> Any:
    """Return the tests; a name alone is that of a hidden one."""
    if not isinstance(given, list):
        raise TaskError(f"{folder / 'task.toml'}: tests must be a list of names or of {{id, public}}, got {given!r}")
    return [{"id": test} if isinstance(test, str) else test for test in given]
