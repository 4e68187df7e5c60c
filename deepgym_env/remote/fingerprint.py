"""Whether two machines mean the same task by an id: a task's fingerprint.

- :func:`fingerprint_of`
"""

from __future__ import annotations

import hashlib

from deepgym_env.benchmarks.records import to_text
from deepgym_env.catalog import folder_of, is_known, load_task
from deepgym_env.errors import TaskError
from deepgym_env.task import AnyTask

__all__ = ["fingerprint_of"]


def fingerprint_of(task: AnyTask) -> str | None:
    """Return a hash of everything a task's verdicts depend on; None if there is no telling.

    A task whose tests call functions can't be written as data: then it is a hash of the folder it is from.

    Example:
        >>> fingerprint_of(load_task("fizzbuzz")) == fingerprint_of(load_task("fizzbuzz", seed=1))
        False
    """
    try:
        return hashlib.sha256(to_text(task).encode("utf-8", "surrogatepass")).hexdigest()
    except TaskError:
        return _of_folder(task)


def _of_folder(task: AnyTask) -> str | None:
    folder = folder_of(task.id) if is_known(task.id) else None
    if folder is None or load_task(task.id, task.seed) != task:
        return None
    digest = hashlib.sha256(f"{task.id} {task.seed}".encode())
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        data = path.read_bytes()
        digest.update(f"\0{path.relative_to(folder).as_posix()}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()
