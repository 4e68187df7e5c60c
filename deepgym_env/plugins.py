"""Tasks of other packages, announced by entry points of the group ``deepgym.tasks``.

An entry point's name is the namespace of its tasks' ids. Its value is either a package folder of task
folders (``mypackage.tasks``), whose tasks are found without importing anything, or a callable
(``mypackage.tasks:all_tasks``) that returns tasks or the path of such a folder, called when asked for.

- :func:`namespaces`: the namespaces there are; :func:`packaged`: the tasks of one.
- :func:`on_disk`: those that are found without importing anything.
- :class:`Added`: a task that is no part of DeepGym, not loaded yet; :func:`in_folder`: those of a folder.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, PathDistribution
from pathlib import Path
from typing import Any

from deepgym_env.errors import TaskError
from deepgym_env.task import AnyTask, SubmissionTask, WorkspaceTask

__all__ = ["GROUP", "Added", "in_folder", "namespaces", "on_disk", "packaged"]

GROUP = "deepgym.tasks"


@dataclass(frozen=True, eq=False, slots=True)
class Added:
    """A task that is no part of DeepGym, not loaded yet.

    Attributes:
        id: What it is asked for by.
        folder: Where its files are, if it is a folder.
        make: Else, what makes it of a seed.
        drawn: Whether another seed gives it other tests.
    """

    id: str
    folder: Path | None = None
    make: Callable[[int], AnyTask] | None = None
    drawn: bool = True

    @classmethod
    def of_folder(cls, id: str, folder: Path) -> Added:
        """Return the task of a folder; a frozen one, with its tests in ``task.json``, draws none."""
        return cls(id, folder, drawn=not (folder / "task.json").is_file())


def in_folder(folder: Path, namespace: str = "") -> list[Added]:
    """Return the tasks of a folder of task folders, or of a task folder, by name; none is loaded."""
    found = [folder] if (folder / "task.toml").is_file() else sorted(p.parent for p in folder.glob("*/task.toml"))
    prefix = f"{namespace}/" if namespace else ""
    return [Added.of_folder(f"{prefix}{path.name}", path) for path in found]


def namespaces() -> Mapping[str, EntryPoint]:
    """Return the entry points of the packages installed, by name; imports none of them."""
    return _announced(tuple(sys.path))


@functools.lru_cache(maxsize=8)
def _announced(path: tuple[str, ...]) -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for folder in path:
        for info in _announcing(folder):
            for point in PathDistribution(info).entry_points.select(group=GROUP):
                found.setdefault(point.name, point)
    return found


def _announcing(folder: str) -> Iterator[Path]:
    """Yield the metadata folders that name the group.

    ``importlib.metadata.entry_points`` reads all packages' metadata, at fifteen times the cost: too
    much for each import of DeepGym.
    """
    try:
        names = [name for name in os.listdir(folder or ".") if name.endswith((".dist-info", ".egg-info"))]
    except OSError:
        return
    for name in sorted(names):
        try:
            with open(os.path.join(folder, name, "entry_points.txt"), "rb") as file:
                named = f"[{GROUP}]".encode() in file.read()
        except OSError:
            continue
        if named:
            yield Path(folder, name)


def on_disk(namespace: str) -> list[Added]:
    """Return the tasks of a namespace whose value is a package folder; none where it is code."""
    folder = _package_folder(namespaces()[namespace])
    return in_folder(folder, namespace) if folder is not None else []


def _package_folder(point: EntryPoint) -> Path | None:
    if ":" in point.value:
        return None
    top, *below = point.value.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    places = spec.submodule_search_locations if spec is not None else None
    folders = [Path(place, *below) for place in places or ()]
    return next((folder for folder in folders if next(folder.glob("*/task.toml"), None)), None)


def packaged(namespace: str) -> dict[str, Added]:
    """Return the tasks of a namespace, by id; imports its package where the tasks are code.

    Raises:
        TaskError: If its package can't be imported, or gives what are no tasks; the message names both.
    """
    return _packaged(namespaces()[namespace])


@functools.lru_cache(maxsize=64)
def _packaged(point: EntryPoint) -> dict[str, Added]:
    folder = _package_folder(point)
    if folder is not None:
        return {added.id: added for added in in_folder(folder, point.name)}
    where = f"entry point {point.name} = {point.value} of group {GROUP}"
    try:
        given = point.load()
        given = given() if callable(given) else given
        found = list(_tasks_of(given, point.name))
    except TaskError as error:
        raise TaskError(f"{where}: {error}") from error
    except (Exception, SystemExit) as error:  # another package's code: whatever it raises is no crash of ours
        raise TaskError(f"{where}: {type(error).__name__}: {error}") from error
    return {added.id: added for added in found}


def _tasks_of(given: Any, namespace: str) -> Iterable[Added]:
    if isinstance(given, str | os.PathLike):
        found = in_folder(Path(given), namespace)
        if not found:
            raise TaskError(f"{os.fspath(given)} holds no task folders")
        yield from found
        return
    for one in given:
        if isinstance(one, str | os.PathLike):
            yield from in_folder(Path(one), namespace)
        elif isinstance(one, SubmissionTask | WorkspaceTask):
            name = f"{namespace}/{one.id.rpartition('/')[2]}"
            yield Added(id=name, make=lambda seed, task=one: task, drawn=False)  # type: ignore[misc]
        else:
            raise TaskError(f"it must give tasks or the path of a folder of task folders, got {one!r}")
