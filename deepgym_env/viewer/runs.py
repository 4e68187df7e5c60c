"""The episodes of a log or of a folder of logs: a list in memory, and each read where it stands.

- :class:`RunFolder`
"""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from deepgym_env.episodes import Episode
from deepgym_env.episodes.log import log_files
from deepgym_env.errors import ConfigError
from deepgym_env.viewer.index import LogFile, Place, Problem, digest
from deepgym_env.viewer.reading import BROKEN, OPENINGS, read_line
from deepgym_env.viewer.summary import Summary

__all__ = ["RunFolder"]

_MOST_FILES = 10_000
_File = tuple[int, int]  # device and inode: a log's file that is renamed stays the same


class RunFolder:
    """The episodes of a log, or of all logs in a folder and its subfolders, in the order they began.

    :meth:`refresh` follows logs that grow and are renamed when they are full. Only whole lines that are
    episodes count; other lines are :attr:`problems`. Safe to share between threads.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     runs = RunFolder(folder)
        ...     len(runs.summaries)
        0
    """

    def __init__(self, path: str | os.PathLike[str], *, seconds_between: float = 1.0) -> None:
        """Index what is there.

        Args:
            path: A log, or a folder.
            seconds_between: :meth:`refresh` looks at the files no more often than that.

        Raises:
            ConfigError: If there is nothing at ``path``.
        """
        self.path = Path(path).absolute()
        if not self.path.exists() and not (self.path.parent.is_dir() and log_files(self.path)):
            raise ConfigError(
                f"{os.fspath(path)}: there is nothing: give a log that EpisodeLogger wrote, or a folder of logs"
            )
        self._seconds_between = seconds_between
        self._lock = threading.Lock()
        self._files: dict[_File, LogFile] = {}
        self._others: dict[_File, tuple[int, int, Problem | None]] = {}
        self._places: dict[str, Place] = {}
        self._found: dict[str, dict[str, bool]] = {}
        self._looked = float("-inf")
        self.summaries: list[Summary] = []
        self.problems: list[Problem] = []
        self.refresh()

    @property
    def name(self) -> str:
        """What the log or the folder is called."""
        return self.path.name or str(self.path)

    @property
    def files(self) -> list[Path]:
        """The logs that are shown."""
        return [file.path for file in self._files.values()]

    def refresh(self) -> None:
        """Look for new episodes."""
        with self._lock:
            if time.monotonic() - self._looked < self._seconds_between:
                return
            self._follow()
            self._looked = time.monotonic()

    def get(self, identity: str) -> Summary | None:
        """Return the summary of an episode; None if there is no such."""
        place = self._places.get(identity)
        return place.summary if place else None

    def line(self, identity: str) -> bytes:
        """Return an episode as it stands in its log.

        Raises:
            LookupError: If it isn't there, or not any more.
        """
        place = self._places.get(identity)
        try:
            line = place.file.read(place) if place else b""
        except OSError:
            line = b""
        if not line or digest(line) != identity.partition("-")[0]:
            raise LookupError(f"there is no episode {identity!r} here (any more)")
        return line

    def episode(self, identity: str) -> Episode:
        """Return an episode.

        Raises:
            LookupError: If it isn't there, or not any more.
        """
        return read_line(self.line(identity))

    def holding(self, text: str) -> set[str]:
        """Return which episodes hold a text: in what was said or answered, or in the names of tests and tasks.

        Case counts for nothing in ASCII letters.
        """
        known = self._found.pop(text, {})
        for identity, place in list(self._places.items()):
            if identity not in known:
                known[identity] = self._holds(place, text)
        self._found[text] = known
        while len(self._found) > 8:
            self._found.pop(next(iter(self._found)), None)
        return {identity for identity, found in known.items() if found}

    def _holds(self, place: Place, text: str) -> bool:
        try:
            line = place.file.read(place)
            quoted = json.dumps(text)[1:-1].lower().encode()
            if quoted not in line.lower():
                return False
            episode = read_line(line)
        except (OSError, *BROKEN):
            return False
        return any(text.lower() in each.lower() for each in _texts(episode))

    def _follow(self) -> None:
        """Bring the index of every file up to date."""
        present: dict[_File, LogFile] = {}
        problems: list[Problem] = []
        for path in self._candidates():
            try:
                file = self._file_at(path, problems)
                if file is not None:
                    file[1].refresh()
                    present[file[0]] = file[1]
            except FileNotFoundError:  # renamed meanwhile; the next look finds it
                continue
            except OSError as error:
                problems.append(Problem(self._name_of(path), 0, error.strerror or str(error)))
        self._files = present
        self._places = {place.summary.id: place for place in _in_order(present.values())}
        self.summaries = [place.summary for place in self._places.values()]
        self.problems = [*problems, *(problem for file in present.values() for problem in file.problems)]

    def _file_at(self, path: Path, problems: list[Problem]) -> tuple[_File, LogFile] | None:
        """Return the file at ``path`` if it is a log of episodes."""
        state = path.stat()
        key = (state.st_dev, state.st_ino)
        if not stat.S_ISREG(state.st_mode) or not state.st_size:
            return None
        known = self._files.get(key)
        if known is None:
            age = (state.st_mtime_ns, state.st_size)
            *seen, problem = self._others.get(key, (0, 0, None))
            if tuple(seen) != age:
                problem = self._look_at(path)
                self._others[key] = (*age, problem)
            if problem is not None:
                if problem.message:
                    problems.append(problem)
                return None
            known = LogFile(path, self._name_of(path))
        known.path, known.name = path, self._name_of(path)
        return key, known

    def _look_at(self, path: Path) -> Problem | None:
        """Return why a file is no log: without a message if nobody would take it for one."""
        with path.open("rb") as file:
            head = file.read(32)
        if path == self.path or any(head.startswith(opening[: len(head)]) for opening in OPENINGS):
            return None
        message = "no log of episodes: left out" if path.suffix == ".jsonl" else ""
        return Problem(self._name_of(path), 0, message)

    def _candidates(self) -> Iterator[Path]:
        if not self.path.is_dir():
            yield from log_files(self.path)
            return
        count = 0
        for folder, subfolders, names in os.walk(self.path):
            subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
            for name in sorted(names, key=_age):
                count += 1
                if count > _MOST_FILES:
                    return
                yield Path(folder, name)

    def _name_of(self, path: Path) -> str:
        return str(path.relative_to(self.path)) if self.path.is_dir() else path.name


def _in_order(files: Iterable[LogFile]) -> list[Place]:
    """Return the episodes in the order they began; one that doesn't tell when stands behind the one before it."""
    timed: list[tuple[float, Place]] = []
    for file in files:
        for place in file.places:
            began = place.summary.began
            timed.append((began if began is not None else timed[-1][0] if timed else 0.0, place))
    return [place for _, place in sorted(timed, key=lambda each: each[0])]


def _age(name: str) -> tuple[str, float]:
    """Return what sorts the files of a log, the oldest first: the one without a number is the newest."""
    log, _, number = name.rpartition(".")
    return (log, int(number)) if log and number.isascii() and number.isdigit() else (name, float("inf"))


def _texts(episode: Episode) -> Iterator[str]:
    yield from (episode.task or "", _text(episode.prompt))
    for turn in episode.turns:
        yield from (_text(turn.action), _text(turn.observation))
        for test in turn.info.get("tests", ()):
            yield from (test["id"], test["status"])


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
