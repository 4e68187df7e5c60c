"""What commands take: tasks, files, shared options.

- :data:`TaskArgument`, :data:`SeedOption`, :data:`WorkersOption`, :data:`LevelOption`,
  :data:`ModeOption`, :data:`ImageOption`, :data:`JsonOption`: parameters several commands have.
- :class:`Level`: levels of isolation, as choices.
- :func:`resolve_task`, :func:`resolve_submission`, :func:`read_text`: what their values mean.
- :func:`complete_task`: ids for the shell; :func:`examples`: a help epilog.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from deepgym_env.errors import ConfigError, DeepGymError, TaskError

if TYPE_CHECKING:
    from deepgym_env.task import AnyTask, SubmissionTask

__all__ = [
    "ImageOption",
    "JsonOption",
    "Level",
    "LevelOption",
    "ModeOption",
    "SeedOption",
    "TaskArgument",
    "WorkersOption",
    "complete_task",
    "examples",
    "read_text",
    "resolve_submission",
    "resolve_task",
]

_MAX_BYTES = 16 << 20
_NAMESPACE = "DeepGym/"


class Level(str, Enum):
    """Levels of isolation, weakest first."""

    none = "none"
    process = "process"
    full = "full"


def complete_task(incomplete: str) -> Iterable[str]:
    """Return the ids that begin so, for the shell."""
    from deepgym_env import added_tasks, benchmarks
    from deepgym_env.catalog import task_ids

    added, imported = (each.id for each in added_tasks.cheap()), (entry.id for entry in benchmarks.entries())
    return [task_id for task_id in (*task_ids(), *added, *imported) if task_id.startswith(incomplete)]


def _chosen(variable: str) -> Callable[[str | None], str | None]:
    """Return a callback that has every engine of this process follow an option."""

    def follow(value: str | None) -> str | None:
        if value is not None:
            os.environ[variable] = value
        return value

    return follow


TaskArgument = Annotated[
    str,
    typer.Argument(
        metavar="TASK",
        help="Id of a task, with or without DeepGym/ (HumanEval/0 for a benchmark's), or path of a task folder.",
        autocompletion=complete_task,
        show_default=False,
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Draws the task's random tests.")]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="Sandboxes side by side; by default one per CPU.", show_default=False),
]
LevelOption = Annotated[Level, typer.Option("--min-isolation", help="Refuse to run with less isolation.")]
ModeOption = Annotated[
    str | None,
    typer.Option(
        "--mode",
        metavar="MODE",
        help="Where sandboxes run: local, docker, gvisor, runsc, daytona, remote (the server DEEPGYM_URL names) or "
        "ray; by default DEEPGYM_MODE, else local.",
        callback=_chosen("DEEPGYM_MODE"),
        show_default=False,
    ),
]
ImageOption = Annotated[
    str | None,
    typer.Option(
        "--image",
        metavar="IMAGE",
        help="What a container holds; by default DEEPGYM_IMAGE, else what `deepgym image build` made.",
        callback=_chosen("DEEPGYM_IMAGE"),
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else there.")]


def resolve_submission(name: str, seed: int = 0) -> SubmissionTask:
    """Return the task a TASK argument means, one answered by a submission.

    Raises:
        TaskError: If there is no such task, its folder is broken, or it is a workspace task.
    """
    from deepgym_env.task import SubmissionTask

    task = resolve_task(name, seed)
    if not isinstance(task, SubmissionTask):
        raise TaskError(f"{task.id!r} is a workspace task, worked on in many turns: use `deepgym play {name}`")
    return task


def resolve_task(name: str, seed: int = 0) -> AnyTask:
    """Return the task a TASK argument means: an id of any kind first, else a folder.

    Raises:
        TaskError: If there is no such task or its folder is broken.
    """
    from deepgym_env.catalog import is_known, load_task
    from deepgym_env.folders import load_task_folder

    bare = name.removeprefix(_NAMESPACE)
    is_path = "/" in bare or (bare != "" and Path(name).is_dir())
    if is_known(name) or not is_path:
        return load_task(name if is_known(name) else bare, seed)
    folder = Path(name)
    if not folder.is_dir():
        raise TaskError(f"no task folder {name!r}: give the id of a task (`deepgym list`) or a folder with a task.toml")
    from deepgym_env.judge import judge_of
    from deepgym_env.task import SubmissionTask

    try:
        task = load_task_folder(folder.resolve(), seed)
        if isinstance(task, SubmissionTask):
            judge_of(task)  # tests that can't be asked are found here, before anything is run
    except DeepGymError:
        raise
    except (Exception, SystemExit) as error:  # a folder is input: whatever its cases.py raises is no crash of ours
        raise TaskError(f"{folder}: {type(error).__name__}: {error}") from error
    return task


def read_text(source: str, what: str) -> str:
    """Read a file, or stdin for ``-``.

    Args:
        source: The path.
        what: The option it was given for, for messages.

    Raises:
        ConfigError: If it can't be read, is no text, or is far too long.
    """
    try:
        data = sys.stdin.buffer.read(_MAX_BYTES + 1) if source == "-" else _head(Path(source))
        text = data.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError(f"no file {source!r}: {what} takes a file, or - for stdin") from error
    except OSError as error:
        raise ConfigError(f"{source}: {error.strerror or error}: {what} takes a file, or - for stdin") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{source}: not UTF-8 text (byte {error.start}): {what} takes a text file") from error
    if len(data) > _MAX_BYTES:
        raise ConfigError(f"{source}: longer than {_MAX_BYTES >> 20} MiB: {what} takes the text of one answer")
    return text


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MAX_BYTES + 1)


def examples(*commands: str, after: Iterable[str] = ()) -> str:
    """Return a help epilog: example commands, then other lines of markup."""
    lines = [" [bold]Examples[/]", *(f"   [cyan]{escape(command)}[/]" for command in commands)]
    more = ["", *(f" {line}" for line in after)]
    return "\n".join(lines + more if len(more) > 1 else lines)
