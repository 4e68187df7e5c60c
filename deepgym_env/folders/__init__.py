"""Task folders: tasks a person reads and writes in an editor, one module for each kind.

- :func:`load_task_folder`: a task from any folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deepgym_env.errors import TaskError
from deepgym_env.folders.frozen import load_frozen
from deepgym_env.folders.function import load_function
from deepgym_env.folders.program import load_program
from deepgym_env.folders.reading import read_toml
from deepgym_env.folders.script import load_script
from deepgym_env.folders.workspace import load_workspace
from deepgym_env.task import AnyTask

__all__ = ["load_task_folder"]

_LOADERS: Mapping[str, Callable[[Path, dict[str, Any], int], AnyTask]] = {
    "frozen": load_frozen,
    "function": load_function,
    "program": load_program,
    "script": load_script,
    "workspace": load_workspace,
}


def load_task_folder(folder: str | Path, seed: int = 0) -> AnyTask:
    """Load a task from ``folder``.

    Every task has ``task.toml`` and ``prompt.md``. A function task has ``cases.py`` and
    ``reference.py``; a workspace task has ``check.py`` and ``solve.py``, and may have
    ``workspace/`` (files), ``setup.py`` (``files(rng)``: more files), ``setup.sh`` and ``service.py``.
    A program task has ``tests/`` (``NAME.in`` and ``NAME.out``). A script task has ``verifier.py`` (or ``.sh``,
    ``.js``, ...), and may have ``test_cases.json``, ``files/`` (what else lies beside the verifier) and
    ``reference.py``. A frozen task is whatever its ``task.json`` says, tests included.
    ``cases.py`` or ``setup.py`` is executed in this process: load only folders you trust.

    Args:
        folder: The task folder.
        seed: Draws what is random in it.

    Raises:
        TaskError: If a file is missing or wrong; the message names it.
    """
    folder = Path(folder)
    meta = read_toml(folder / "task.toml")
    kind = meta.pop("kind", "function")
    meta.setdefault("id", folder.name)
    if kind not in _LOADERS:
        kinds = ", ".join(map(repr, _LOADERS))
        raise TaskError(f"{folder / 'task.toml'}: kind must be one of {kinds}, got {kind!r}")
    return _LOADERS[kind](folder, meta, seed)
