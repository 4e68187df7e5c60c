"""Exercism's Python track as its repository has it: a folder of files per exercise.

- :func:`is_track`, :func:`read_track`: rows of a checkout, or of an archive of one.
- :func:`convert`: a row's test file as a suite, one test per method.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from deepgym_env.benchmarks.bigcodebench import packages_of
from deepgym_env.benchmarks.conversion import NotData, Row, field, python_prompt, title_of
from deepgym_env.benchmarks.references import Referee
from deepgym_env.errors import ConfigError
from deepgym_env.task import Difficulty, Limits, SuiteFile, SuiteTask

__all__ = ["convert", "is_track", "read_track"]

_LIMITS = Limits(cpu_seconds=5.0, wall_seconds=5.0, memory_mb=1024)
_TEXTS = (".docs/introduction.md", ".docs/instructions.md", ".docs/instructions.append.md")


def is_track(path: Path) -> bool:
    """Whether a path is a checkout of the track, or an archive by its name."""
    return (path / "exercises").is_dir() or path.name.endswith((".tar.gz", ".tgz", ".tar"))


def read_track(path: Path) -> Iterator[Row]:
    """Yield one row per exercise: ``task_id, kind, config, level`` and its ``files`` by name.

    Raises:
        ConfigError: If there are no exercises, or they can't be read.
    """
    try:
        files = _archived(path) if path.is_file() else _lying(path)
        config = json.loads(files.get("config.json", "{}"))
    except (OSError, tarfile.TarError, ValueError, EOFError) as error:
        raise ConfigError(f"{path}: can't be read: {error}") from error
    levels = {each["slug"]: each["difficulty"] for each in config.get("exercises", {}).get("practice", [])}
    exercises: dict[tuple[str, str], dict[str, str]] = {}
    for name, text in files.items():
        parts = PurePosixPath(name).parts
        if len(parts) > 3 and parts[0] == "exercises":
            exercises.setdefault((parts[1], parts[2]), {})["/".join(parts[3:])] = text
    if not exercises:
        raise ConfigError(f"{path}: there is no folder `exercises` in it; the track's repository is needed")
    for (kind, slug), own in sorted(exercises.items()):
        yield {"task_id": slug, "kind": kind, "level": levels.get(slug), "files": own}


def _archived(path: Path) -> dict[str, str]:
    files = {}
    with tarfile.open(path) as archive:
        for member in archive:
            found = archive.extractfile(member) if member.isfile() else None
            if found is not None and _is_wanted(member.name):
                files[_from_exercises(member.name)] = io.TextIOWrapper(found, "utf-8").read()
    return files


def _lying(path: Path) -> dict[str, str]:
    names = [str(file.relative_to(path)) for file in [path / "config.json", *(path / "exercises").rglob("*")]]
    return {name: (path / name).read_text("utf-8") for name in names if (path / name).is_file() and _is_wanted(name)}


def _is_wanted(name: str) -> bool:
    return name.endswith((".py", ".md", "config.json"))


def _from_exercises(name: str) -> str:
    """Return a name without the folder an archive may have everything in."""
    head, found, rest = name.partition("exercises/")
    return found + rest if found else PurePosixPath(head).name


def convert(row: Row, referee: Referee) -> SuiteTask:
    """Return the task of a row.

    Raises:
        NotData: If a file of it is missing, or it has more than one to write.
    """
    files: dict[str, str] = field(row, "files", dict)
    config = json.loads(_file(files, ".meta/config.json"))
    roles: dict[str, Any] = config.get("files", {})
    solution, tests = roles.get("solution", []), roles.get("test", [])
    canon = roles.get("example") or roles.get("exemplar") or []
    if len(solution) != 1 or not tests or len(canon) != 1:
        raise NotData("it has not one file to write, one solution and a test file")
    suite, reference = _file(files, tests[0]), _file(files, canon[0])
    texts = [files[name].strip() for name in _TEXTS if name in files]
    stub = _file(files, solution[0])
    level = row.get("level")
    return SuiteTask.of(
        suite,
        id=f"Exercism/{field(row, 'task_id')}",
        title=title_of(row["task_id"]),
        prompt=python_prompt("\n\n".join(texts) + f"\n\nComplete `{solution[0]}`:", stub),
        reference=reference,
        module=solution[0].removesuffix(".py"),
        files=tuple(_beside(files, {*solution, tests[0]}, reference + stub)),
        packages=tuple(name for name in packages_of(suite) if name == "pytest"),
        stub=stub,
        limits=_LIMITS,
        difficulty=_difficulty(level) if isinstance(level, int) else None,
        tags=("exercism", field(row, "kind")),
        source=f"https://exercism.org/tracks/python/exercises/{row['task_id']}",
        license="MIT",
    )


def _beside(files: dict[str, str], known: set[str], solution: str) -> Iterator[SuiteFile]:
    """Yield the modules beside the solution; those it doesn't import come with the tests."""
    for name, text in files.items():
        if "/" not in name and name.endswith(".py") and name not in known:
            yield SuiteFile(path=name, text=text, hidden=name.removesuffix(".py") not in solution)


def _file(files: dict[str, str], name: str) -> str:
    if name not in files:
        raise NotData(f"its file {name!r} is missing")
    return files[name]


def _difficulty(level: int) -> Difficulty:
    return "easy" if level <= 3 else "medium" if level <= 6 else "hard"
