"""Files of a session's workspace, from outside: no process of the agent runs meanwhile.

Paths come from agents. They are resolved strictly below the workspace, so that neither ``..`` nor a link
leads out of it.

- :func:`read`, :func:`write`, :func:`entries`: one file; a folder's contents.
- :func:`copy`: a whole tree, links and holes kept.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import Dict, List, Tuple

__all__ = ["TreeError", "copy", "entries", "read", "size", "write"]

_MAX_DEPTH = 128
_MAX_LINKS = 40  # as the kernel has it
_CHUNK = 1 << 20


class TreeError(Exception):
    """A path or a tree is not as it should be; the message is for the agent."""


def _parts(path: str) -> List[str]:
    """Split an agent's path; ``/workspace/a`` and ``a`` name the same."""
    if "\0" in path:
        raise TreeError("a path can't hold a NUL character")
    if path.startswith("/"):
        if path != "/workspace" and not path.startswith("/workspace/"):
            raise TreeError("%r is outside /workspace" % path)
        path = path[len("/workspace") :]
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise TreeError("%r: '..' is not allowed in a path" % path)
    return parts


def _open(root: int, parts: List[str], flags: int) -> int:
    """Open what lies below ``root``, without leaving it."""
    path = "/".join(parts) or "."
    try:
        inside = _resolve(root, parts)
        flags |= os.O_NOFOLLOW | os.O_CLOEXEC | (0 if flags & os.O_PATH else os.O_NONBLOCK)
        return os.open("/".join(inside) or ".", flags, dir_fd=root)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise TreeError("%r leads out of /workspace" % path) from error
        if error.errno == errno.ELOOP:
            raise TreeError("%r leads through a link that goes nowhere" % path) from error
        raise TreeError("%r: %s" % (path, os.strerror(error.errno or 0))) from error


def _resolve(root: int, parts: List[str]) -> List[str]:
    """Follow the links in a path; return it without any. Like ``openat2(2)`` with ``RESOLVE_BENEATH``.

    Nothing of the agent runs meanwhile, so what was looked at stays as it is.
    """
    found: List[str] = []
    left = parts[::-1]
    links = 0
    while left:
        name = left.pop()
        if name == "..":
            if not found:
                raise OSError(errno.EXDEV, "")
            found.pop()
            continue
        found.append(name)
        place = "/".join(found)
        try:
            target = os.readlink(place, dir_fd=root)
        except OSError as error:
            if error.errno != errno.EINVAL:  # no link: what it is, is seen when it is opened
                raise
            continue
        links += 1
        if links > _MAX_LINKS:
            raise OSError(errno.ELOOP, "")
        if target.startswith("/"):
            raise OSError(errno.EXDEV, "")
        found.pop()
        left += [part for part in target.split("/")[::-1] if part not in ("", ".")]
    return found


def read(root: int, path: str, limit: int) -> bytes:
    """Return a regular file's contents.

    Raises:
        TreeError: If there is no such file, or it is no regular file or larger than ``limit``.
    """
    descriptor = _open(root, _parts(path), os.O_RDONLY)
    kind = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(kind):
        os.close(descriptor)
        raise TreeError("%r is %s" % (path, "a folder" if stat.S_ISDIR(kind) else "no regular file"))
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise TreeError("%r is larger than %d bytes" % (path, limit))
    return data


def write(root: int, path: str, data: bytes, mode: int) -> None:
    """Replace a file, or make it, with the folders it lies in; whole or not at all.

    Raises:
        TreeError: If it can't be written.
    """
    parts = _parts(path)
    if not parts:
        raise TreeError("%r is a folder" % path)
    folder = _open_folder(root, parts[:-1])
    name, temporary = parts[-1], ".deepgym-%s" % os.urandom(8).hex()
    try:
        existing = _status(name, folder)
        if existing is not None and stat.S_ISLNK(existing.st_mode):  # write where it points to
            _rewrite(_open(root, parts, os.O_WRONLY), data)
            return
        if existing is not None and not stat.S_ISREG(existing.st_mode):
            raise TreeError("%r is no regular file" % path)
        kept = mode if existing is None else stat.S_IMODE(existing.st_mode)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600, dir_fd=folder)
        try:
            os.fchmod(descriptor, kept)
            _overwrite(descriptor, data)
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            os.unlink(temporary, dir_fd=folder)
            raise
    except OSError as error:
        raise TreeError("%r: %s" % (path, os.strerror(error.errno or 0))) from error
    finally:
        os.close(folder)


def _overwrite(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        view = memoryview(data)
        while view:
            view = view[file.write(view) :]


def _rewrite(descriptor: int, data: bytes) -> None:
    """Replace a file's contents in its place; first see that there is room, so that nothing is lost."""
    try:
        if data:
            os.posix_fallocate(descriptor, 0, len(data))
        os.ftruncate(descriptor, len(data))
    except OSError:
        os.close(descriptor)
        raise
    _overwrite(descriptor, data)


def _status(name: str, folder: int) -> "os.stat_result | None":
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _open_folder(root: int, parts: List[str]) -> int:
    """Open a folder, made if need be."""
    for depth in range(1, len(parts) + 1):
        try:
            os.close(_open(root, parts[:depth], os.O_PATH | os.O_DIRECTORY))
        except TreeError:
            above = _open(root, parts[: depth - 1], os.O_PATH | os.O_DIRECTORY)
            try:
                os.mkdir(parts[depth - 1], 0o755, dir_fd=above)
            except OSError as error:
                raise TreeError("%r: %s" % ("/".join(parts[:depth]), os.strerror(error.errno or 0))) from error
            finally:
                os.close(above)
    return _open(root, parts, os.O_RDONLY | os.O_DIRECTORY)


def entries(root: int, path: str, depth: int, limit: int) -> Tuple[List[Tuple[str, str, int]], bool]:
    """Return ``(path, kind, size)`` of what lies below a folder, sorted, and whether that is all.

    Kinds are ``file, folder, link, other``. What git keeps in ``.git`` is left out.
    """
    parts = _parts(path)
    found: List[Tuple[str, str, int]] = []
    queue = [parts]
    while queue:
        folder = queue.pop()
        descriptor = _open(root, folder, os.O_RDONLY | os.O_DIRECTORY)
        with os.scandir(descriptor) as listing:
            for entry in sorted(listing, key=lambda entry: entry.name):
                if len(found) >= limit:
                    os.close(descriptor)
                    return sorted(found), False
                kind, length = _kind(entry)
                below = [*folder, entry.name]
                found.append(("/".join(below), kind, length))
                if kind == "folder" and entry.name != ".git" and len(below) - len(parts) < depth:
                    queue.append(below)
        os.close(descriptor)
    return sorted(found), True


def _kind(entry: "os.DirEntry[str]") -> Tuple[str, int]:
    status = entry.stat(follow_symlinks=False)
    if stat.S_ISDIR(status.st_mode):
        return "folder", 0
    if stat.S_ISLNK(status.st_mode):
        return "link", 0
    return ("file", status.st_size) if stat.S_ISREG(status.st_mode) else ("other", 0)


def size(path: str) -> int:
    """Return the bytes a tree takes."""
    total = 0
    for place, folders, files in os.walk(path):
        total += sum(os.lstat(os.path.join(place, name)).st_blocks * 512 for name in (*folders, *files))
    return total


def copy(source: str, target: str) -> None:
    """Copy a tree to a new place: regular files, folders, links, pipes; with modes and times.

    Raises:
        TreeError: If it is nested too deep, or there is no room.
    """
    linked: Dict[int, str] = {}
    queue = [(source, target, 0)]
    folders = []
    try:
        while queue:
            here, there, depth = queue.pop()
            if depth > _MAX_DEPTH:
                raise TreeError("folders are nested deeper than %d" % _MAX_DEPTH)
            os.mkdir(there, 0o700)
            folders.append((here, there))
            with os.scandir(here) as listing:
                for entry in listing:
                    copied = os.path.join(there, entry.name)
                    if entry.is_dir(follow_symlinks=False):
                        queue.append((entry.path, copied, depth + 1))
                    else:
                        _copy_entry(entry, copied, linked)
        for here, there in reversed(folders):  # last, as filling a folder changes its times
            _copy_status(os.lstat(here), there)
    except OSError as error:
        raise TreeError("the workspace can't be copied: %s" % os.strerror(error.errno or 0)) from error


def _copy_entry(entry: "os.DirEntry[str]", target: str, linked: Dict[int, str]) -> None:
    status = entry.stat(follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(entry.path), target)
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)
        return
    if stat.S_ISFIFO(status.st_mode):
        os.mkfifo(target)
    elif not stat.S_ISREG(status.st_mode):
        return  # a socket nobody listens to any more
    elif status.st_nlink > 1 and status.st_ino in linked:
        os.link(linked[status.st_ino], target)
        return
    else:
        linked[status.st_ino] = target
        _copy_file(entry.path, target, status)
    _copy_status(status, target)


def _copy_status(status: os.stat_result, target: str) -> None:
    os.chmod(target, stat.S_IMODE(status.st_mode))
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _copy_file(source: str, target: str, status: os.stat_result) -> None:
    reader = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        writer = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            at = 0
            while at < status.st_size:
                start, end = _segment(reader, at, status)
                while start < end:
                    data = os.pread(reader, min(_CHUNK, end - start), start)
                    if not data:
                        break
                    start += os.pwrite(writer, data, start)
                at = end
            os.ftruncate(writer, status.st_size)
        finally:
            os.close(writer)
    finally:
        os.close(reader)


def _segment(reader: int, at: int, status: os.stat_result) -> Tuple[int, int]:
    """Return the next part that holds data; a file with holes may claim any size."""
    if status.st_blocks * 512 >= status.st_size:
        return at, status.st_size
    try:
        start = os.lseek(reader, at, os.SEEK_DATA)
        return start, os.lseek(reader, start, os.SEEK_HOLE)
    except OSError as error:
        if error.errno == errno.ENXIO:  # nothing but a hole from here
            return status.st_size, status.st_size
        return at, status.st_size
