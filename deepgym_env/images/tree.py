"""What a root file system will hold, and the tar archive of it.

- :class:`Tree`: places, and the files of this machine they are copied from.
- :data:`Progress`: is told how far a tree, or an archive, has been sent.

The same files make the same archive, whoever owns them and whenever they were written. See tar(5) for the format.
"""

from __future__ import annotations

import fnmatch
import os
import tarfile
from collections.abc import Callable, Iterator, Sequence

from deepgym_env.errors import ConfigError, SandboxError

__all__ = ["CHUNK", "Progress", "Tree"]

Progress = Callable[[str, float], None]  # what is being done, and how much of it is done, 0 to 1
CHUNK = 1 << 20

_MTIME = 1_577_836_800  # 2020-01-01: the same each time, and one that zip archives can hold
_FOLDERS = ("/dev", "/proc", "/run", "/sys", "/tmp", "/var/tmp", "/workspace")


class Tree:
    """What a root file system will hold: places, and the files of this machine they are copied from."""

    def __init__(self) -> None:
        self._folders: set[str] = set()
        self._links: dict[str, str] = {}
        self._files: dict[str, str | bytes] = {}
        self._modes: dict[str, int] = {}

    def add(self, path: str, skip: Sequence[str] = ()) -> None:
        """Add what this machine has at ``path``, with the links that lead there; nothing if there is nothing.

        Of a folder, all is added but what ``skip`` matches, by name or by path.
        """
        if not os.path.exists(path):
            return None
        place = ""
        parts = os.path.normpath(path).strip("/").split("/")
        for number, name in enumerate(parts, 1):
            place = f"{place}/{name}"
            if os.path.islink(place):
                self.link(place, os.readlink(place))
                return self.add(os.path.join(os.path.dirname(place), os.readlink(place), *parts[number:]), skip)
            if number < len(parts):
                self.folder(place)
        if os.path.isdir(place):
            self.add_folder(place, place, skip)
        else:
            self.file(place, place)
        return None

    def add_folder(self, source: str, place: str, skip: Sequence[str] = ()) -> None:
        """Add a folder at ``place``; a link that leads out of it becomes a copy of what it leads to."""
        self._add_below(place, (os.path.realpath(source),), skip)

    def _add_below(self, place: str, trail: tuple[str, ...], skip: Sequence[str], below: str = "") -> None:
        """Add what lies ``below`` the last folder of ``trail``: those that links led into, none of them twice."""
        source = trail[-1] + below
        self.folder(place)
        for name in sorted(os.listdir(source)):
            path, here = f"{source}/{name}", f"{place}/{name}"
            if any(fnmatch.fnmatch(name, one) or fnmatch.fnmatch(path, f"*/{one}") for one in skip):
                continue
            real = os.path.realpath(path)
            if os.path.islink(path) and real.startswith(f"{trail[-1]}/"):
                self.link(here, os.path.relpath(real, source))
            elif os.path.isfile(real):
                self.file(here, real)
            elif os.path.isdir(real) and not os.path.islink(path):
                self._add_below(here, trail, skip, f"{below}/{name}")
            elif os.path.isdir(real) and not any(f"{one}/".startswith(f"{real}/") for one in trail):
                self._add_below(here, (*trail, real), skip)

    def add_root(self, root: str, skip: Sequence[str] = ()) -> None:
        """Add a root file system that lies in a folder, as it is but for devices, sockets and other file systems."""
        device = os.stat(root).st_dev
        for folder, folders, files in os.walk(root, onerror=_unreadable):
            for name in [*folders, *files]:
                path = os.path.join(folder, name)
                place, stat = path[len(root) :], os.lstat(path)
                if any(fnmatch.fnmatch(place, f"/{one}") for one in skip):
                    continue
                mode = stat.st_mode & 0o1777
                if os.path.islink(path):
                    self.link(place, os.readlink(path))
                elif name in folders:
                    self.folder(place, mode)
                elif os.path.isfile(path):
                    self.file(place, path, mode)
            folders[:] = [name for name in folders if os.lstat(os.path.join(folder, name)).st_dev == device]
        self.add_places()

    def add_places(self) -> None:
        """Add the folders that container engines mount something on, and those anybody may write to."""
        for folder in _FOLDERS:
            self.folder(folder, 0o1777 if folder.endswith("tmp") else None)

    def folder(self, place: str, mode: int | None = None) -> None:
        """Add an empty folder and those it lies in."""
        if mode is not None:
            self._modes[place] = mode
        while place not in self._folders and place not in self._links and place != "/":
            self._folders.add(place)
            place = os.path.dirname(place)

    def link(self, place: str, target: str) -> None:
        """Add a symbolic link."""
        self.folder(os.path.dirname(place))
        if place not in self._files:
            self._links[place] = target

    def file(self, place: str, source: str | bytes, mode: int | None = None) -> None:
        """Add a file: a copy of another, or one with the content given."""
        self.folder(os.path.dirname(place))
        self._links.pop(place, None)
        self._files[place] = source
        if mode is None:
            runs = isinstance(source, str) and os.stat(source).st_mode & 0o111
            mode = 0o755 if runs else 0o644
        self._modes[place] = mode

    def copies(self) -> list[tuple[str, str]]:
        """Return the files that are copies, in order of place: where each lies, and what it is a copy of."""
        return sorted((place, source) for place, source in self._files.items() if isinstance(source, str))

    def tar(self, progress: Progress) -> Iterator[bytes]:
        """Give the tree as a tar archive: root's, in order, the same each time, nothing in it setuid.

        Raises:
            SandboxError: If a file can't be read, or changes meanwhile.
        """
        written: dict[tuple[int, int], str] = {}
        places = sorted({*self._folders, *self._links, *self._files})
        for number, place in enumerate(places):
            if number % 64 == 0:
                progress("sending files to the daemon", number / len(places))
            info = tarfile.TarInfo(place.lstrip("/"))
            info.mtime = _MTIME
            if place in self._files:
                info.mode = self._modes[place]
                yield from _tar_file(info, self._files[place], written)
                continue
            link = self._links.get(place)
            info.type, info.linkname = (tarfile.DIRTYPE, "") if link is None else (tarfile.SYMTYPE, link)
            info.mode = self._modes.get(place, 0o755)
            yield info.tobuf(tarfile.PAX_FORMAT)
        yield bytes(2 * tarfile.BLOCKSIZE)
        progress("sending files to the daemon", 1.0)


def _tar_file(info: tarfile.TarInfo, source: str | bytes, written: dict[tuple[int, int], str]) -> Iterator[bytes]:
    """Give one file's part of an archive; a file of this machine that is in it already becomes a hard link."""
    if isinstance(source, bytes):
        info.size = len(source)
        yield info.tobuf(tarfile.PAX_FORMAT) + source + bytes(-len(source) % tarfile.BLOCKSIZE)
        return
    try:
        with open(source, "rb") as file:
            stat = os.fstat(file.fileno())
            first = written.setdefault((stat.st_dev, stat.st_ino), info.name)
            if first != info.name:
                info.type, info.linkname = tarfile.LNKTYPE, first
                yield info.tobuf(tarfile.PAX_FORMAT)
                return
            info.size = left = stat.st_size
            yield info.tobuf(tarfile.PAX_FORMAT)
            while left > 0 and (part := file.read(min(left, CHUNK))):
                left -= len(part)
                yield part
    except OSError as error:
        raise SandboxError(f"{source} can't be copied into the image: {error.strerror or error}") from error
    if left:
        raise SandboxError(f"{source} became shorter while it was copied into the image: build again")
    yield bytes(-info.size % tarfile.BLOCKSIZE)


def _unreadable(error: OSError) -> None:
    raise ConfigError(f"{error.filename}: {error.strerror}: all of a root file system must be readable")
