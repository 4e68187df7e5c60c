"""What a repository of environments on the Hugging Face Hub holds; nothing here talks to the Hub.

::

    deepgym.json            the manifest: schema version, hash of the rest, which files may be run
    tasks.jsonl             a row per task, as trainers and the Hub's viewer read it
    frozen/coin_change.json     the task as data, its tests drawn with seed 0: what is loaded
    folders/coin_change/...     the task folder: what is loaded where its author is trusted

- :class:`Bundle`: these files but for the manifest; :func:`bundle`: those of tasks.
- :class:`Manifest`: what ``deepgym.json`` says; :func:`normal_hash`: a content hash, checked.
- :func:`is_part`, :func:`insist_safe`: whether a repository's file belongs to it, and may be taken.
- :data:`MAX_FILES`, :data:`MAX_FILE`, :data:`MAX_TOTAL`: how much a repository may hold, in files and bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepgym_env._version import __version__
from deepgym_env.benchmarks.records import from_text, to_text
from deepgym_env.catalog import folder_of, is_known, load_task
from deepgym_env.datasets import rows
from deepgym_env.errors import (
    ConfigError,
    HubIntegrityError,
    HubNotFoundError,
    HubTrustError,
    HubVersionError,
    TaskError,
)
from deepgym_env.folders import load_task_folder
from deepgym_env.folders.reading import is_executable, read_toml
from deepgym_env.plugins import in_folder
from deepgym_env.task import AnyTask, File, SubmissionTask, WorkspaceTask

__all__ = [
    "MANIFEST",
    "MAX_FILE",
    "MAX_FILES",
    "MAX_TOTAL",
    "SCHEMA",
    "Bundle",
    "Environments",
    "Manifest",
    "bundle",
    "insist_safe",
    "is_part",
    "normal_hash",
]

Environments = str | os.PathLike[str] | AnyTask | Iterable[str | os.PathLike[str] | AnyTask]

SCHEMA = 1
MANIFEST = "deepgym.json"
MAX_FILES = 20_000
MAX_FILE = 64 << 20
MAX_TOTAL = 256 << 20

_ROWS, _FROZEN, _FOLDERS = "tasks.jsonl", "frozen/", "folders/"
_HASH = re.compile(r"^(?:sha256:)?([0-9a-f]{64})$")
_LEFT_OUT = frozenset(("__pycache__", ".git", ".DS_Store"))
_LONGEST = 512  # characters of a path


@dataclass(frozen=True, slots=True)
class Bundle:
    """The files of one or more tasks, as a repository holds them.

    Attributes:
        files: The files, by path.

    Example:
        >>> made, tasks, unfrozen = bundle("fizzbuzz")
        >>> made.tasks, made.frozen("fizzbuzz") == tasks[0], unfrozen
        (('fizzbuzz',), True, {})
    """

    files: tuple[File, ...]

    @property
    def content_hash(self) -> str:
        """The hash of all files: ``sha256:`` and 64 hexadecimal digits.

        It is that of a listing with a line for each file, sorted by path: the SHA-256 of its bytes, ``x`` if it
        may be run, else ``-``, and its path.
        """
        lines = [
            f"{hashlib.sha256(file.data).hexdigest()} {'x' if file.executable else '-'} {file.path}\n"
            for file in sorted(self.files, key=lambda file: file.path)
        ]
        return f"sha256:{hashlib.sha256(''.join(lines).encode()).hexdigest()}"

    @property
    def manifest(self) -> Manifest:
        """What ``deepgym.json`` says of it."""
        return Manifest(self.content_hash, frozenset(file.path for file in self.files if file.executable))

    @property
    def tasks(self) -> tuple[str, ...]:
        """The ids of its tasks, sorted."""
        frozen = {path.removeprefix(_FROZEN).removesuffix(".json") for path in self._paths(_FROZEN)}
        return tuple(sorted(frozen | self._with_folder()))

    def frozen(self, task_id: str, trusted: bool = False) -> AnyTask:
        """Return a task as data; nothing of it is run.

        Args:
            task_id: Its id.
            trusted: Whether a workspace keeps its scripted agent, which checks and audits run in this process.

        Raises:
            HubTrustError: If it isn't there as data.
            HubIntegrityError: If what is there is no task, or one of another id.
        """
        path = f"{_FROZEN}{task_id}.json"
        text = next((file.data for file in self.files if file.path == path), None)
        if text is None:
            raise HubTrustError(
                f"the tests of {task_id} hold code of its author's (a checker, or functions as arguments), which runs "
                "in this process: read its folder on the Hub, then load it with trust_code=True"
            )
        try:
            task = from_text(text.decode(), trusted)
        except (TaskError, UnicodeDecodeError) as error:
            raise HubIntegrityError(f"{path}: {error}") from error
        if task.id != task_id:
            raise HubIntegrityError(f"{path} holds the task {task.id!r}")
        return task

    def folder(self, task_id: str) -> tuple[File, ...]:
        """Return the files of a task's folder, with paths in it; none if it was no folder."""
        prefix = f"{_FOLDERS}{task_id}/"
        return tuple(
            File(file.path.removeprefix(prefix), file.data, file.executable)
            for file in self.files
            if file.path.startswith(prefix)
        )

    def chosen(self, task_id: str | None) -> str:
        """Return the id of the task that is meant; None means the only one.

        Raises:
            HubNotFoundError: If there is no such task, or none at all.
            ConfigError: If None is given and there are several.
        """
        if not self.tasks:
            raise HubNotFoundError("the repository holds no task")
        there = ", ".join(self.tasks)
        if task_id is None and len(self.tasks) != 1:
            raise ConfigError(f"the repository holds several tasks, give the id of one: {there}")
        chosen = self.tasks[0] if task_id is None else task_id
        if chosen not in self.tasks:
            raise HubNotFoundError(f"the repository has no task {task_id!r}, but {there}")
        return chosen

    def _paths(self, prefix: str) -> Iterator[str]:
        return (file.path for file in self.files if file.path.startswith(prefix))

    def _with_folder(self) -> set[str]:
        """Return the ids of tasks with folders: those of ``task.toml`` files that lie in no other's folder."""
        ending = "/task.toml"
        found = {path[len(_FOLDERS) : -len(ending)] for path in self._paths(_FOLDERS) if path.endswith(ending)}
        return {one for one in found if not any(one.startswith(f"{other}/") for other in found)}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What ``deepgym.json`` says.

    Attributes:
        content_hash: The hash of all other files.
        executable: The paths of those that may be run.
    """

    content_hash: str
    executable: frozenset[str] = frozenset()

    def to_json(self) -> bytes:
        """Return the file."""
        told = {
            "schema_version": SCHEMA,
            "content_hash": self.content_hash,
            "executable": sorted(self.executable),
            "deepgym_env": __version__,
        }
        return (json.dumps(told, indent=2) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes) -> Manifest:
        """Read the file.

        Raises:
            HubVersionError: If a newer DeepGym wrote it.
            HubIntegrityError: If it is none.
        """
        try:
            told = json.loads(data)
            version = told["schema_version"]
            if type(version) is int and version > SCHEMA:
                raise HubVersionError(
                    f"{MANIFEST} has schema_version {version}, this DeepGym ({__version__}) reads {SCHEMA}: "
                    "pip install -U deepgym-env"
                )
            if version != SCHEMA:
                raise ValueError(f"schema_version {version!r}")
            return cls(normal_hash(told["content_hash"]), frozenset(map(str, told["executable"])))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise HubIntegrityError(f"{MANIFEST} is no manifest: {type(error).__name__}: {error}") from error


def normal_hash(given: Any) -> str:
    """Return a content hash in full, ``sha256:`` included.

    Raises:
        ConfigError: If it is none.
    """
    match = _HASH.match(given) if isinstance(given, str) else None
    if match is None:
        raise ConfigError(f"a content hash is sha256: and 64 hexadecimal digits, got {given!r}")
    return f"sha256:{match[1]}"


def is_part(path: str) -> bool:
    """Return whether a repository's file belongs to its environments, which its hash is of."""
    return path == _ROWS or path.startswith((_FROZEN, _FOLDERS))


def insist_safe(sizes: Iterable[tuple[str, int]]) -> None:
    """Refuse files that lead elsewhere when they are written, or are too many or too large.

    Args:
        sizes: Path and size in bytes of each file.

    Raises:
        HubIntegrityError: If one is refused; the message names it.
    """
    total = 0
    for number, (path, size) in enumerate(sizes, 1):
        parts = path.split("/")
        if {"", ".", ".."} & {*parts} or "\\" in path or not path.isprintable() or len(path) > _LONGEST:
            raise HubIntegrityError(f"the repository has a file with an unsafe path, {path!r}")
        total += size
        if size > MAX_FILE or total > MAX_TOTAL or number > MAX_FILES:
            raise HubIntegrityError(
                f"the repository is too large at {path!r}: {MAX_FILES} files, {MAX_FILE >> 20} MiB each and "
                f"{MAX_TOTAL >> 20} MiB in all are taken"
            )


def bundle(env: Environments) -> tuple[Bundle, tuple[AnyTask, ...], dict[str, str]]:
    """Return the files of tasks, the tasks, and why some aren't in the files as data, by id.

    Args:
        env: Ids, tasks, task folders, folders of task folders; or one of these.

    Raises:
        TaskError: If a task is broken, or is neither data nor a folder.
        ConfigError: If two have the same id, or there is none.
        HubIntegrityError: If a folder's files may not be taken.
    """
    files: list[File] = []
    unfrozen: dict[str, str] = {}
    tasks: dict[str, AnyTask] = {}
    for task, folder in _found(env):
        if task.id in tasks:
            raise ConfigError(f"two tasks have the id {task.id!r}: push them to repositories of their own")
        tasks[task.id] = task
        if folder is not None:
            files += (File(f"{_FOLDERS}{task.id}/{path}", data, run) for path, data, run in _pinned(folder))
        try:
            files.append(File(f"{_FROZEN}{task.id}.json", to_text(task).encode()))
        except TaskError as error:
            if folder is None:
                raise
            unfrozen[task.id] = str(error)
    if not tasks:
        raise ConfigError(f"there is no task in {env!r}: give ids, tasks, task folders, or a folder of these")
    lines = [json.dumps(row, ensure_ascii=False) for row in rows(tasks.values())]
    files.append(File(_ROWS, "".join(f"{line}\n" for line in lines).encode()))
    insist_safe((file.path, len(file.data)) for file in files)
    return Bundle(tuple(files)), tuple(tasks.values()), unfrozen


def _found(env: Environments) -> Iterator[tuple[AnyTask, Path | None]]:
    """Yield tasks, with their folders where they have some."""
    if isinstance(env, SubmissionTask | WorkspaceTask):
        yield env, None
    elif isinstance(env, str | os.PathLike):
        yield from _named(env)
    else:
        for one in env:
            yield from _found(one)


def _named(name: str | os.PathLike[str]) -> Iterator[tuple[AnyTask, Path | None]]:
    folder = Path(name)
    if isinstance(name, str) and (is_known(name) or not folder.is_dir()):
        yield load_task(name), folder_of(name)
        return
    inside = in_folder(folder.resolve()) if folder.is_dir() else []
    if not inside:
        raise TaskError(f"{os.fspath(name)!r} is no task folder, and holds none: there is no task.toml")
    for added in inside:
        assert added.folder is not None
        yield load_task_folder(added.folder), added.folder


def _pinned(folder: Path) -> Iterator[tuple[str, bytes, bool]]:
    """Yield the files of a task's folder; its settings say its id, which tests are drawn by, whatever it is called."""
    named = "id" in read_toml(folder / "task.toml")
    for path, data, run in _files(folder):
        own = path == "task.toml" and not named
        yield path, f"id = {json.dumps(folder.name)}\n".encode() + data if own else data, run


def _files(folder: Path) -> Iterator[tuple[str, bytes, bool]]:
    """Yield the files of a task's folder; links are refused, which could lead to what is nobody's business."""
    for path in sorted(folder.resolve().rglob("*")):
        inside = path.relative_to(folder.resolve())
        if _LEFT_OUT & {*inside.parts}:
            continue
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise HubIntegrityError(f"{path} is a link or no plain file: replace it by the file it stands for")
        if path.is_file():
            yield inside.as_posix(), path.read_bytes(), is_executable(path)
