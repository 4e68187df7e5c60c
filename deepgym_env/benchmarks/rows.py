"""Rows of a benchmark's file, as published or as Hugging Face's ``datasets`` has it.

- :func:`read_rows`: the rows of ``.jsonl``, ``.jsonl.gz``, ``.json`` and ``.json.gz`` files, of a data set saved
  on disk, or of one on the Hugging Face Hub; the exercises of Exercism's track. :func:`read_hub`: of the Hub.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from deepgym_env.benchmarks.conversion import Row
from deepgym_env.benchmarks.exercism import is_track, read_track
from deepgym_env.errors import ConfigError

__all__ = ["SPLITS", "read_hub", "read_rows"]

SPLITS = ("train", "test", "validation")
_ALSO_CALLED = {"valid": "validation"}  # CodeContests' own name
_HUB_ID = re.compile(r"^[\w.-]+/[\w.-]+(:[\w.-]+)?$")


def read_rows(source: str) -> list[tuple[Row, str | None]]:
    """Return the rows, each with the split it is of, where the source or its name says so.

    Args:
        source: A file, a folder a data set was saved in, Exercism's track (a checkout, or an archive of it), or
            a data set's id on the Hugging Face Hub, also ``id:configuration``.

    Raises:
        ConfigError: If there is no such source, or it can't be read; the message says what to give.
    """
    path = Path(source)
    if path.exists() and is_track(path):
        return [(row, None) for row in read_track(path)]
    if path.is_dir():
        return list(_saved(path))
    if path.exists():
        split = _split_in(path.name)
        return [(row, split) for row in _file(path)]
    if _HUB_ID.match(source) and not path.parent.is_dir():
        return read_hub(source)
    raise ConfigError(f"no file {source!r}: give the benchmark's file, or the id of a data set on the Hugging Face Hub")


def _split_in(name: str) -> str | None:
    words = (*SPLITS, *_ALSO_CALLED)
    found = {_called(word) for word in words if re.search(rf"(?<![a-z]){word}(?![a-z])", name.lower())}
    return found.pop() if len(found) == 1 else None


def _called(split: str) -> str:
    return _ALSO_CALLED.get(split, split)


def _file(path: Path) -> list[Any]:
    name = path.name.removesuffix(".gz")
    try:
        with _opened(path) as file:
            rows = _json(path, file) if name.endswith(".json") else list(_json_lines(path, file))
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read: {error}") from error
    strangers = [number for number, row in enumerate(rows, 1) if not isinstance(row, dict)]
    if strangers or not rows:
        what = f"row {strangers[0]} is no JSON object" if strangers else "it has no rows"
        raise ConfigError(f"{path}: {what}; a file as the benchmark publishes it is needed")
    return rows


def _opened(path: Path) -> IO[str]:
    """Open a file, packed or not; only a newline ends a line, as a text within may hold what else does."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return (
        gzip.open(path, "rt", encoding="utf-8", newline="\n") if packed else path.open(encoding="utf-8", newline="\n")
    )


def _json(path: Path, file: IO[str]) -> list[Any]:
    try:
        rows = json.load(file)
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        raise ConfigError(f"{path}: no JSON: {error}") from error
    return rows if isinstance(rows, list) else [rows]


def _json_lines(path: Path, lines: Iterable[str]) -> Iterator[Any]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise ConfigError(f"{path}, line {number}: no JSON: {error}") from error
            yield row


def _saved(path: Path) -> Iterator[tuple[Row, str | None]]:
    datasets = _library(f"{path} is a folder")
    try:
        found = datasets.load_from_disk(str(path))
    except Exception as error:  # of many kinds, by what is in the folder
        raise ConfigError(f"{path}: no data set saved with save_to_disk(): {error}") from error
    yield from _rows_of(found)


def read_hub(source: str, revision: str | None = None) -> list[tuple[Row, str | None]]:
    """Return the rows of a data set on the Hugging Face Hub, or on what ``HF_ENDPOINT`` names in its place.

    Args:
        source: Its id, also ``id:configuration``.
        revision: A branch, tag or commit; by default the main branch.

    Raises:
        ConfigError: If ``datasets`` isn't installed, or the Hub doesn't give it; the message says what to do.
    """
    if not _HUB_ID.match(source):
        raise ConfigError(
            f"a data set on the Hugging Face Hub is owner/name or owner/name:configuration, got {source!r}"
        )
    datasets = _library(f"{source} is a data set on the Hugging Face Hub")
    name, _, configuration = source.partition(":")
    try:
        found = datasets.load_dataset(name, configuration or None, revision=revision)
        return list(_rows_of(found))
    except Exception as error:  # of many kinds: no network, no such data set, configuration or revision
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        at = f" at revision {revision}" if revision else ""
        raise ConfigError(
            f"the Hugging Face Hub can't give {source}{at}: {reason}: download its file elsewhere and give --file FILE"
        ) from error


def _rows_of(found: Any) -> Iterator[tuple[Row, str | None]]:
    """Yield the rows of a Dataset or a DatasetDict."""
    parts = found.items() if isinstance(found, dict) else [(str(found.split) if found.split else None, found)]
    for split, rows in parts:
        for row in rows:
            yield row, None if split is None else _called(split)


def _library(need: str) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise ConfigError(f"{need}: reading it needs `pip install 'deepgym-env[hf]'`") from error
    return datasets
