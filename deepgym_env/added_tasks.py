"""Tasks that are no part of DeepGym, by id: registered by a program, in the user's folders, in other packages.

- :func:`describe`: the one a program means; :func:`keep`: registers it.
- :func:`find`: the one of an id; :func:`everything`: all of them; :func:`cheap`: those found without running code;
  :func:`is_here`, :func:`in_namespace`, :func:`namespaces`: what there is.
- :func:`problems`: what is wrong with the folders ``DEEPGYM_TASKS`` names, and with packages' namespaces.

``DEEPGYM_TASKS`` is a list of folders of task folders, separated as in ``PATH``. None is loaded here:
:func:`deepgym_env.catalog.load_task` does that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from deepgym_env import plugins
from deepgym_env.benchmarks import BENCHMARKS
from deepgym_env.errors import TaskError
from deepgym_env.plugins import Added
from deepgym_env.task import AnyTask, SubmissionTask, WorkspaceTask

__all__ = [
    "ENVIRONMENTS",
    "NAMESPACE",
    "cheap",
    "describe",
    "everything",
    "find",
    "in_namespace",
    "is_here",
    "keep",
    "namespaces",
    "problems",
]

NAMESPACE = "DeepGym"
ENVIRONMENTS = ("mixture", "repair", "construct")  # names in it that are no task's
_ID = re.compile(r"^([A-Za-z0-9_-]+/)?[A-Za-z0-9_.-]+$")
_OWN = {NAMESPACE, *(benchmark.namespace for benchmark in BENCHMARKS.values())}
_registered: dict[str, Added] = {}


def describe(task: AnyTask | str | os.PathLike[str] | Callable[[int], AnyTask], id: str | None = None) -> Added:
    """Return what a program wants registered.

    Args:
        task: A task, a task folder, or a function of a seed that makes one.
        id: Its id; by default the task's, or the folder's or function's name.

    Raises:
        TaskError: If it is none of these, or its id is no id.
    """
    if isinstance(task, str | os.PathLike):
        folder = Path(task).resolve()
        if not (folder / "task.toml").is_file():
            raise TaskError(f"{os.fspath(task)!r} is no task folder: it has no task.toml (`deepgym new` makes one)")
        return Added.of_folder(_checked(id or folder.name), folder)
    if isinstance(task, SubmissionTask | WorkspaceTask):
        return Added(id=_checked(id or task.id), make=lambda seed: task, drawn=False)
    if callable(task):
        return Added(id=_checked(id or str(getattr(task, "__name__", ""))), make=task)
    raise TaskError(f"a task, a task folder or a function of a seed can be registered, got {task!r}")


def _checked(task_id: str) -> str:
    name = task_id.removeprefix(f"{NAMESPACE}/")
    if not _ID.match(name):
        raise TaskError(f"a task's id is name or namespace/name, of letters, digits, _ . and -, got {task_id!r}")
    return name


def keep(added: Added) -> None:
    """Register a task, in the place of one registered under its id before."""
    _registered[added.id] = added


def find(task_id: str) -> Added | None:
    """Return the task of an id; None if there is none.

    Raises:
        TaskError: If it would be of a package that can't be imported.
    """
    name = task_id.removeprefix(f"{NAMESPACE}/")
    if name in _registered:
        return _registered[name]
    namespace, slash, _ = name.rpartition("/")
    if slash:
        return plugins.packaged(namespace).get(name) if namespace in namespaces() else None
    return next((added for added in _in_folders() if added.id == name), None)


def is_here(task_id: str) -> bool:
    """Return whether an id was registered or is a folder's that ``DEEPGYM_TASKS`` has."""
    return task_id in _registered or any(added.id == task_id for added in _in_folders())


def in_namespace(namespace: str) -> list[Added]:
    """Return the tasks whose ids begin so.

    Raises:
        TaskError: If they are of a package that can't be imported.
    """
    own = [added for added in _registered.values() if added.id.startswith(f"{namespace}/")]
    return own + (list(plugins.packaged(namespace).values()) if namespace in namespaces() else [])


def cheap() -> Iterator[Added]:
    """Yield what is found without running anyone's code: what was registered, and folders."""
    yield from _registered.values()
    yield from _in_folders()
    for namespace in namespaces():
        yield from plugins.on_disk(namespace)


def everything() -> tuple[list[Added], list[TaskError]]:
    """Return all of them, and what is wrong with packages; imports those whose tasks are code."""
    found, wrong = [*_registered.values(), *_in_folders()], []
    for namespace in namespaces():
        try:
            found += plugins.packaged(namespace).values()
        except TaskError as error:
            wrong.append(error)
    return list({added.id: added for added in reversed(found)}.values())[::-1], wrong


def namespaces() -> list[str]:
    """Return the namespaces of other packages; not those that are DeepGym's own."""
    return [name for name in plugins.namespaces() if name not in _OWN]


def problems(builtin: Iterable[str]) -> list[str]:
    """Return what is wrong with the folders ``DEEPGYM_TASKS`` names, and with packages' namespaces.

    Args:
        builtin: Ids of built-in tasks, which win.
    """
    known = set(builtin)
    said = [f"DEEPGYM_TASKS names {root}, which is no folder" for root in _roots() if not root.is_dir()]
    said += [
        f"the task {added.folder} has the name of a built-in task, which wins: rename its folder"
        for added in _in_folders()
        if added.id in known
    ]
    said += [
        f"the task {added.folder} has the name of an environment of DeepGym's: rename its folder"
        for added in _folders()
        if added.id in ENVIRONMENTS
    ]
    return said + [
        f"entry point {point.name} = {point.value}: the namespace {point.name} is DeepGym's own; it needs another name"
        for point in plugins.namespaces().values()
        if point.name in _OWN
    ]


def _roots() -> list[Path]:
    return [Path(part).expanduser() for part in os.environ.get("DEEPGYM_TASKS", "").split(os.pathsep) if part]


def _in_folders() -> Iterator[Added]:
    return (added for added in _folders() if added.id not in ENVIRONMENTS)


def _folders() -> Iterator[Added]:
    for root in _roots():
        yield from (added for added in plugins.in_folder(root.resolve()) if _ID.match(added.id))
