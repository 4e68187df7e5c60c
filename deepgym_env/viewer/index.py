"""One file of a log, indexed as it grows.

- :class:`LogFile`: where in a file which episode is.
- :class:`Place`: an episode's line; :class:`Problem`: a line that is none.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from deepgym_env.viewer.reading import BROKEN, read_line
from deepgym_env.viewer.summary import Summary, summarize

__all__ = ["LogFile", "Place", "Problem", "digest"]

_HEAD = 4096
_LONGEST = 256 << 20  # bytes of a line
_PROBLEMS = 50  # told of a file


@dataclass(frozen=True, slots=True)
class Place:
    """Where an episode is, and its summary."""

    file: LogFile
    offset: int
    length: int
    summary: Summary


@dataclass(frozen=True, slots=True)
class Problem:
    """What could not be read.

    Attributes:
        log: Name of the file.
        line: The line, from 1; 0 for the file as a whole.
        message: What is wrong.
    """

    log: str
    line: int
    message: str


class LogFile:
    """An index of one file, brought up to date by :meth:`refresh`; only what is new is read."""

    def __init__(self, path: Path, name: str) -> None:
        """Index ``path``, shown as ``name``."""
        self.path = path
        self.name = name
        self._clear()

    def _clear(self) -> None:
        self.places: list[Place] = []
        self._problems: list[Problem] = []
        self._unread = 0  # problems not told
        self._torn: Problem | None = None
        self._end = 0  # bytes that are indexed
        self._line = 0
        self._size = -1
        self._head = b""
        self._seen: Counter[str] = Counter()

    @property
    def problems(self) -> list[Problem]:
        """The lines that could not be read, a bounded number of them."""
        more = [Problem(self.name, 0, f"{self._unread} more lines are no episodes")] if self._unread else []
        return [*self._problems, *more, *([self._torn] if self._torn else [])]

    def refresh(self) -> None:
        """Read what was appended; all of it if the file is another one than before."""
        with self.path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size == self._size:
                return
            head = os.pread(file.fileno(), _HEAD, 0)
            if size < self._end or not head.startswith(self._head[: min(self._end, _HEAD)]):
                self._clear()
            self._head, self._size, self._torn = head, size, None
            file.seek(self._end)
            self._read(file)

    def read(self, place: Place) -> bytes:
        """Return the line of an episode.

        Raises:
            OSError: If the file is gone.
        """
        with self.path.open("rb") as file:
            return os.pread(file.fileno(), place.length, place.offset)

    def _read(self, file: IO[bytes]) -> None:
        while line := file.readline(_LONGEST):
            whole = line.endswith(b"\n")
            self._line += 1
            if line.strip() and not self._add(line) and not self._refuse(line, whole):
                self._line -= 1
                return
            self._end += len(line)

    def _add(self, line: bytes) -> bool:
        """Index an episode; False if the line is none."""
        self._why = ""
        try:
            summary = summarize(read_line(line), self._identity(line), self.name)
        except BROKEN as error:
            self._why = str(error) or type(error).__name__
            return False
        self.places.append(Place(self, self._end, len(line), summary))
        return True

    def _refuse(self, line: bytes, whole: bool) -> bool:
        """Take note of a line that is no episode; False if it may become one."""
        if not whole and len(line) < _LONGEST:
            self._torn = Problem(self.name, self._line, "not finished: its writer was killed, or is writing it now")
            return False
        if len(self._problems) < _PROBLEMS:
            self._problems.append(Problem(self.name, self._line, f"no episode: {self._why:.300}"))
        else:
            self._unread += 1
        return True

    def _identity(self, line: bytes) -> str:
        own = digest(line)
        self._seen[own] += 1
        return own if self._seen[own] == 1 else f"{own}-{self._seen[own]}"


def digest(line: bytes) -> str:
    """Return what an episode's line is known by."""
    return hashlib.sha256(line.rstrip(b"\n")).hexdigest()[:12]
