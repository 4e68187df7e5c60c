"""The log of episodes: JSON lines that are only ever appended, whole or not at all.

- :class:`EpisodeWriter`: appends, from several processes at once, and begins a new file when one is full.
- :func:`read_episodes`, :func:`count_episodes`: read a log back, the full files of it included.
- :func:`log_files`: its files.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from deepgym_env.episodes.record import Episode
from deepgym_env.errors import ConfigError

__all__ = ["MAX_BYTES", "EpisodeWriter", "count_episodes", "log_files", "read_episodes"]

MAX_BYTES = 256 << 20
_OPENING = b'{"schema_version": '  # how every line begins: tells a torn line of ours from another file's last one
_BLOCK = 1 << 16


class EpisodeWriter:
    """Appends episodes to a log.

    Each is one line, written in one go under a lock; a line that a killed process left torn is
    removed before the next is written. A file about to exceed ``max_bytes`` is renamed to
    ``<name>.1``, the next to ``<name>.2``, and so on: the file without a number is the newest.
    Nothing is held open in between, so forks and pickles of it do no harm.

    Example:
        >>> import tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> EpisodeWriter(folder.name + "/log.jsonl").path.name
        'log.jsonl'
        >>> folder.cleanup()
    """

    def __init__(self, path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES, fsync: bool = False) -> None:
        """Make the log if there is none.

        Args:
            path: The log; its folder is made too.
            max_bytes: Size at which a new file is begun; a longer episode has a file to itself.
            fsync: Wait until each episode is on the disk, to survive also a power failure.

        Raises:
            ConfigError: If ``path`` can't be written, or holds something else.
        """
        if max_bytes < 1:
            raise ConfigError(f"max_bytes must be at least 1, got {max_bytes!r}")
        self.path = Path(path).absolute()
        self._max_bytes = max_bytes
        self._fsync = fsync
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._open() as file:
                head = os.pread(file.fileno(), len(_OPENING), 0)
        except OSError as error:
            raise ConfigError(
                f"{self.path}: {error.strerror or error}: an episode log is a file that can be written and read back"
            ) from error
        if not _OPENING.startswith(head):
            raise _foreign(self.path)

    def append(self, episode: Episode) -> None:
        """Write one episode; when this returns it is in the file.

        Raises:
            OSError: If it can't be written; then nothing of it is in the file.
        """
        line = json.dumps(episode.to_json()).encode() + b"\n"
        while not self._try_append(line):
            pass

    def _try_append(self, line: bytes) -> bool:
        """Write the line; False if the file was renamed, here or elsewhere, and must be opened anew."""
        with self._open() as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not self._is_current(file):
                return False
            end = self._mend(file)
            if end and end + len(line) > self._max_bytes:
                number = _number(last[-1], self.path) if (last := _full_files(self.path)) else 0
                self.path.rename(f"{self.path}.{number + 1}")
                return False
            _write(file, line, end)
            if self._fsync:
                os.fsync(file.fileno())
                if not end:
                    _sync_folder(self.path.parent)
        return True

    def _open(self) -> IO[bytes]:
        return self.path.open("a+b", buffering=0)

    def _is_current(self, file: IO[bytes]) -> bool:
        try:
            return os.path.samestat(os.fstat(file.fileno()), self.path.stat())
        except FileNotFoundError:
            return False

    def _mend(self, file: IO[bytes]) -> int:
        """Remove a line that was torn, or end one that lacks only its line feed; return the file's size."""
        end = os.fstat(file.fileno()).st_size
        start = _start_of_tail(file, end)
        tail = os.pread(file.fileno(), end - start, start)
        if not tail:
            return end
        if _is_whole(tail):
            _write(file, b"\n", end)
            return end + 1
        if tail[: len(_OPENING)] != _OPENING[: len(tail)]:
            raise _foreign(self.path)
        os.ftruncate(file.fileno(), start)
        return start


def read_episodes(path: str | os.PathLike[str]) -> Iterator[Episode]:
    """Yield the episodes of a log, oldest first, its full files included; a torn last line is left out.

    What is appended while it reads may or may not be among them.

    Raises:
        ConfigError: If a line is no episode; the message names it.
        OSError: If there is no log.
    """
    for file, number, line in _lines(Path(path)):
        try:
            yield Episode.from_json(json.loads(line))
        except (ValueError, RecursionError, OverflowError) as error:
            raise ConfigError(f"{file}: line {number} is no episode: {error}") from error


def count_episodes(path: str | os.PathLike[str]) -> int:
    """Return how many episodes a log has, without reading what is in them."""
    return sum(1 for _ in _lines(Path(path)))


def log_files(path: str | os.PathLike[str]) -> list[Path]:
    """Return the files of a log that exist, oldest first."""
    return [*_full_files(Path(path)), *([Path(path)] if Path(path).exists() else [])]


def _lines(path: Path) -> Iterator[tuple[Path, int, bytes]]:
    """Yield the whole lines with their files and numbers."""
    for file, opened in _opened(path):
        for number, line in enumerate(opened, 1):
            if line.endswith(b"\n") or _is_whole(line):
                yield file, number, line


def _opened(path: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """Yield the files of a log, each open, oldest first."""
    with _open_newest(path) as newest:  # first: if it is renamed meanwhile, it is found among the full ones too
        own = os.fstat(newest.fileno())
        for file in _full_files(path):
            with file.open("rb") as opened:
                if not os.path.samestat(own, os.fstat(opened.fileno())):
                    yield file, opened
        yield path, newest


def _open_newest(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except FileNotFoundError:
        if not _full_files(path):
            raise
        return open(os.devnull, "rb")  # it was just renamed, and nobody has begun the next


def _full_files(path: Path) -> list[Path]:
    pattern = re.compile(re.escape(path.name) + r"\.[0-9]+")
    found = [file for file in path.parent.iterdir() if pattern.fullmatch(file.name)]
    return sorted(found, key=lambda file: _number(file, path))


def _number(file: Path, path: Path) -> int:
    return int(file.name[len(path.name) + 1 :])


def _start_of_tail(file: IO[bytes], end: int) -> int:
    """Return where the text after the last line feed begins."""
    start = end
    while start:
        block = min(start, _BLOCK)
        found = os.pread(file.fileno(), block, start - block).rfind(b"\n")
        if found >= 0:
            return start - block + found + 1
        start -= block
    return 0


def _is_whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _write(file: IO[bytes], data: bytes, end: int) -> None:
    """Write all of ``data`` at ``end``, or on an error nothing: under the lock nobody else has written since."""
    rest = memoryview(data)
    try:
        while rest:
            written = os.write(file.fileno(), rest)
            if not written:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            rest = rest[written:]
    except OSError:
        os.ftruncate(file.fileno(), end)
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _foreign(path: Path) -> ConfigError:
    return ConfigError(f"{path}: is no episode log, so nothing is appended to it; name another file")
