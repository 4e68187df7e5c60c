"""Imported benchmarks on disk: one file each, written as a whole, read a task at a time.

- :class:`Entry`: what is known of a task without loading it.
- :class:`Store`: a benchmark's file; :func:`write_store` makes one.

A file begins with one line of JSON (format, length and checksum of the index), the index follows as
compressed JSON, then the tasks, each compressed by itself. Only the index is read to list a benchmark.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deepgym_env.benchmarks.home import write_atomically
from deepgym_env.benchmarks.records import pack, unpack
from deepgym_env.errors import StoreError
from deepgym_env.task import AnyTask, SubmissionTask

__all__ = ["FORMAT", "Entry", "Store", "write_store"]

FORMAT = 1  # of this file; a change to it, or to how records are made, needs another
_HEAD = 4096  # bytes; the first line is far shorter


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a task without loading it.

    Attributes:
        id: The task's id.
        title: Its title.
        difficulty: Its difficulty, None where nobody said.
        tags: Its tags, the split it is in included.
        tests: How many tests it has.
        public: How many of them the agent may see.
        floor: The best score of a constant answer, None for a task without one.
        offset: Where its bytes begin, behind the index.
        length: How many there are.
        kind: What kind of task it is: ``function``, ``program``.
    """

    id: str
    title: str
    difficulty: str | None
    tags: tuple[str, ...]
    tests: int
    public: int
    floor: float | None
    offset: int
    length: int
    kind: str = "function"


class Store:
    """A benchmark's file.

    Example:
        >>> import tempfile
        >>> from deepgym_env import load_task
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = Store(write_store(Path(folder) / "toy.tasks", "toy", [load_task("fizzbuzz")]))
        ...     store.entries[0].id, store.load("fizzbuzz").entry_point
        ('fizzbuzz', 'fizzbuzz')
    """

    def __init__(self, file: Path) -> None:
        """Read the index of a file.

        Raises:
            StoreError: If it is damaged or of another version; the message names the fix.
        """
        self.file = file
        try:
            with file.open("rb") as source:
                head = source.readline(_HEAD)
                facts = json.loads(head)
                if facts["format"] != FORMAT:
                    raise self._error(
                        f"is in format {facts['format']}, this version reads {FORMAT}", facts.get("benchmark")
                    )
                packed = source.read(facts["index"])
            if zlib.crc32(packed) != facts["crc32"]:
                raise ValueError("its index is damaged")
            rows = json.loads(zlib.decompress(packed))
            self.entries = tuple(Entry(**{**row, "tags": tuple(row["tags"])}) for row in rows)
        except (OSError, ValueError, KeyError, TypeError, zlib.error) as error:
            raise self._error(f"can't be read ({type(error).__name__}: {error})") from error
        self._begin = len(head) + len(packed)
        self.by_id = {entry.id: entry for entry in self.entries}

    def load(self, task_id: str) -> AnyTask:
        """Load a task.

        Raises:
            KeyError: If it isn't in the file.
            StoreError: If its bytes are damaged.
        """
        entry = self.by_id[task_id]
        try:
            with self.file.open("rb") as source:
                source.seek(self._begin + entry.offset)
                return unpack(source.read(entry.length))
        except Exception as error:  # damaged bytes upset whatever reads them first
            raise self._error(f"holds no readable {task_id} ({type(error).__name__})") from error

    def _error(self, what: str, benchmark: str | None = None) -> StoreError:
        name = benchmark or self.file.stem
        return StoreError(f"{self.file} {what}: import it again with `deepgym import {name} --file ...`, or remove it")


def write_store(file: Path, benchmark: str, tasks: Iterable[AnyTask]) -> Path:
    """Write tasks to a file, complete or not at all; return it."""
    entries, blobs, offset = [], [], 0
    for task in tasks:
        blob = pack(task)
        entries.append(_entry(task, offset, len(blob)))
        blobs.append(blob)
        offset += len(blob)
    index = zlib.compress(json.dumps([asdict(entry) for entry in entries]).encode(), 6)
    facts: dict[str, Any] = {"format": FORMAT, "benchmark": benchmark, "index": len(index), "crc32": zlib.crc32(index)}
    write_atomically(file, b"".join([json.dumps(facts).encode() + b"\n", index, *blobs]))
    return file


def _entry(task: AnyTask, offset: int, length: int) -> Entry:
    return Entry(
        id=task.id,
        title=task.title,
        difficulty=task.difficulty,
        tags=task.tags,
        tests=len(task.tests),
        public=len(task.public_tests),
        floor=task.floor if isinstance(task, SubmissionTask) else None,
        offset=offset,
        length=length,
        kind=task.kind if isinstance(task, SubmissionTask) else "workspace",
    )
