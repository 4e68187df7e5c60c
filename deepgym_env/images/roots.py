"""Root file systems that are not made of this machine's files.

- :func:`given_root`: one that is there already, in a folder or a tar archive.
- :func:`debootstrap`: a small Debian, from a mirror.
"""

from __future__ import annotations

import collections
import contextlib
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from deepgym_env.errors import ConfigError, SandboxError
from deepgym_env.images.mirrors import own_mirror, own_suite
from deepgym_env.images.toolchains import TOOLCHAINS
from deepgym_env.images.tree import CHUNK, Progress, Tree

__all__ = ["debootstrap", "given_root"]

_APT_PACKAGES = (
    "bash bsdextrautils bzip2 coreutils diffutils file findutils gawk git grep gzip less make mawk patch procps "
    "python-is-python3 python3 sed sqlite3 tar unzip xxd xz-utils zip"
).split()
_NOT_FROM_DEBIAN = ("var/cache/apt/*", "var/lib/apt/lists/*", "usr/share/doc/*", "usr/share/man/*", "usr/share/info/*")


@contextlib.contextmanager
def given_root(source: str, progress: Progress) -> Iterator[Iterator[bytes]]:
    """Give the archive of a root file system: a folder's, or one that is an archive already.

    Raises:
        ConfigError: If it is neither, or can't be read.
    """
    if os.path.isdir(source):
        tree = Tree()
        tree.add_root(os.path.realpath(source))
        yield tree.tar(progress)
        return
    with _opened_archive(source) as file:
        yield _parts(file, source, progress)


def _opened_archive(source: str) -> BinaryIO:
    try:
        if not tarfile.is_tarfile(source):
            raise ConfigError(f"{source}: no tar archive: give one, such as `docker export` writes, or a folder")
        return open(source, "rb")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ConfigError(
            f"no source {source!r}: take 'host', 'debootstrap', or a root file system in a folder or a tar archive"
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{source}: {error.strerror}: an archive must be readable: `chmod +r` it as its owner, or build with sudo"
        ) from error


def _parts(file: BinaryIO, source: str, progress: Progress) -> Iterator[bytes]:
    done, size = 0, os.fstat(file.fileno()).st_size
    while part := _read(file, source):
        yield part
        done += len(part)
        progress("sending the archive to the daemon", done / size)


def _read(file: BinaryIO, source: str) -> bytes:
    try:
        return file.read(CHUNK)
    except OSError as error:
        raise SandboxError(f"{source} can't be copied into the image: {error.strerror or error}") from error


def debootstrap(
    folder: Path,
    packages: Sequence[str],
    languages: Sequence[str],
    suite: str | None,
    mirror: str | None,
    progress: Progress,
) -> Tree:
    """Install a small Debian into ``folder``."""
    if shutil.which("debootstrap") is None:
        raise ConfigError("source='debootstrap' needs debootstrap: `apt install debootstrap`")
    if os.geteuid() != 0:
        raise ConfigError("source='debootstrap' needs root: run it with sudo, or take source='host'")
    suite = suite or own_suite() or "bookworm"
    if not re.fullmatch(r"[a-z0-9][\w.-]*", suite):
        raise ConfigError(f"no suite {suite!r}: give a release of Debian or Ubuntu, like 'bookworm'")
    wanted = {*_APT_PACKAGES, *(f"python3-{name.lower()}" for name in packages)}
    wanted.update(package for language in languages for package in TOOLCHAINS[language].packages)
    root = folder / "root"
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(sorted(wanted))}", suite, str(root)]
    # In namespaces of its own: what it mounts and starts ends with it.
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", *command]
    if mirror := mirror or own_mirror(suite):
        command.append(mirror)  # without one it takes the default of the suite's distribution
    said = _followed(command, lambda line: progress(f"debootstrap: {line}", 0.0))
    if said is not None:
        raise SandboxError(f"debootstrap failed: {said}")
    tree = Tree()
    tree.add_root(str(root), _NOT_FROM_DEBIAN)
    return tree


def _followed(command: Sequence[str], told: Callable[[str], None]) -> str | None:
    """Run a command and pass on its lines; return the last ones if it fails."""
    lines: collections.deque[str] = collections.deque(maxlen=3)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            for line in process.stdout or ():
                lines.append(line.strip())
                told(line.strip())
        except BaseException:
            process.kill()
            raise
    return None if process.returncode == 0 else "; ".join(lines)
