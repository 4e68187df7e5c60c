"""New task folders, made from patterns: each folder in ``scaffolds/`` is one, complete and right as it is.

- :func:`kinds`: the kinds of folder there are patterns of; :func:`scaffold`: makes one.
"""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from deepgym_env.catalog import task_ids
from deepgym_env.errors import ConfigError, TaskError

__all__ = ["kinds", "scaffold"]

_PATTERNS = Path(__file__).parent / "scaffolds"
_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_.-]*$")


def kinds() -> tuple[str, ...]:
    """Return the kinds of task folder there are patterns of.

    Example:
        >>> {"function", "workspace"} <= set(kinds())
        True
    """
    return tuple(sorted(path.parent.name for path in _PATTERNS.glob("*/task.toml")))


def scaffold(name: str, kind: str = "function", into: str | Path = ".") -> Path:
    """Make a task folder that works, to be changed; nothing that is there is overwritten.

    Args:
        name: The task's id, and the folder's name; of a function task, its function's name as well.
        kind: One of :func:`kinds`.
        into: Where the folder is made.

    Returns:
        The folder.

    Raises:
        TaskError: If the name can't be a task's.
        ConfigError: If there is no such kind, or something of that name is there.
    """
    entry_point = re.sub(r"\W", "_", name)
    if not _NAME.match(name) or keyword.iskeyword(entry_point):
        raise TaskError(f"a task's name begins with a letter and has letters, digits, _ . and -, got {name!r}")
    if name in task_ids():
        raise TaskError(f"{name} is a built-in task: choose another name")
    if kind not in kinds():
        raise ConfigError(f"kind must be one of {', '.join(kinds())}, got {kind!r}")
    folder = Path(into) / name
    if folder.exists() or folder.is_symlink():
        raise ConfigError(f"{folder} exists: choose another name, or remove it; nothing is overwritten")
    words = re.sub(r"[\W_]+", " ", name).strip()
    said = {"__NAME__": name, "__TITLE__": words[:1].upper() + words[1:], "__ENTRY_POINT__": entry_point}
    for path in sorted(path for path in (_PATTERNS / kind).rglob("*") if path.is_file()):
        _copy(path, folder / path.relative_to(_PATTERNS / kind), said)
    return folder


def _copy(pattern: Path, target: Path, said: dict[str, str]) -> None:
    text = pattern.read_text(encoding="utf-8")
    for mark, value in said.items():
        text = text.replace(mark, value)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
