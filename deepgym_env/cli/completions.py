"""Reading the completions ``deepgym eval`` judges, one JSON object per line.

- :class:`Completion`: one of them.
- :func:`read_completions`: all of a file, or one error that names every bad line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepgym_env.errors import ConfigError, TaskError

if TYPE_CHECKING:
    from deepgym_env.task import SubmissionTask

__all__ = ["FIELDS", "Completion", "Key", "read_completions"]

FIELDS = ("completion", "solution", "code", "output", "response")
_NAMED = 5  # bad lines told one by one; the others are counted

Key = tuple[str, str, str, int]


class _BadLineError(ValueError):
    """A line that is no completion."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model wrote for one task.

    Attributes:
        id: The line's ``id``, or its number.
        task: The task it is for.
        text: What the model wrote.
        sha256: Digest of the text.
    """

    id: str | int | float
    task: SubmissionTask
    text: str
    sha256: str

    @property
    def key(self) -> Key:
        """What tells it from others; the same in the results file."""
        return json.dumps(self.id), self.task.id, self.sha256, self.task.seed


def read_completions(
    path: Path, default_task: SubmissionTask, load: Callable[[str], SubmissionTask], field: str | None = None
) -> list[Completion]:
    """Read every line of ``path``.

    Args:
        path: The JSONL file.
        default_task: The task of lines that name none.
        load: Returns the task of a line's ``task``.
        field: The field with the completion; by default the first of :data:`FIELDS` a line has.

    Raises:
        ConfigError: If it can't be read, lines are malformed, or there are none.
    """
    try:
        lines = list(_lines(path))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}: --solutions takes a file of JSON lines") from error
    completions: list[Completion] = []
    bad: list[str] = []
    for number, line in lines:
        try:
            completions.append(_completion(number, line, default_task, load, field))
        except (_BadLineError, TaskError) as error:
            bad.append(f"line {number}: {error}")
    if bad:
        rest = f"; and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        count = "1 malformed line" if len(bad) == 1 else f"{len(bad)} malformed lines"
        raise ConfigError(f"{path}: {count}, nothing was run: {'; '.join(bad[:_NAMED])}{rest}")
    if not completions:
        raise ConfigError(f'{path}: no completions; write one JSON object per line, such as {{"completion": "..."}}')
    return completions


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that aren't blank; split at line feeds only, as JSON strings may hold the others."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if line.strip():
                yield number, line


def _completion(
    number: int, line: bytes, default_task: SubmissionTask, load: Callable[[str], SubmissionTask], field: str | None
) -> Completion:
    row = _object(line)
    text = _text(row, field)
    row_id = row.get("id")
    if row_id is None:
        row_id = number
    if not isinstance(row_id, str | int | float):
        raise _BadLineError(f"`id` must be text or a number, got {_kind(row_id)}")
    name = row.get("task")
    if name is not None and not isinstance(name, str):
        raise _BadLineError(f"`task` must be text, got {_kind(name)}")
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Completion(row_id, default_task if name is None else load(name), text, digest)


def _object(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except UnicodeDecodeError as error:
        raise _BadLineError("not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise _BadLineError(f"not JSON ({error.msg}, column {error.colno})") from error
    except (ValueError, RecursionError) as error:
        raise _BadLineError("not JSON that can be read") from error
    if not isinstance(row, dict):
        raise _BadLineError(f"must be a JSON object, got {_kind(row)}")
    return row


def _text(row: dict[str, Any], field: str | None) -> str:
    name = field or next((name for name in FIELDS if name in row), None)
    if name is None:
        raise _BadLineError(
            f"no completion under {', '.join(FIELDS[:-1])} or {FIELDS[-1]}; name its field with --field"
        )
    if name not in row:
        raise _BadLineError(f"no field {name!r}; there are {', '.join(map(repr, row)) or 'none'}")
    if not isinstance(row[name], str):
        raise _BadLineError(f"`{name}` must be text, got {_kind(row[name])}")
    return str(row[name])


def _kind(value: Any) -> str:
    names = {list: "a list", dict: "an object", bool: "true or false", type(None): "null", str: "text"}
    return names.get(type(value), "a number")
