"""Programs of this machine: found where sessions will look for them, and asked about themselves.

- :data:`PROGRAMS`: what an image for sandboxes should hold, as far as there is such a program.
- :func:`add_programs`: add programs to a tree. :func:`add_git_and_perl`: add what these two are no use without.
- :func:`asked`: what a program prints.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable

from deepgym_env.errors import ConfigError
from deepgym_env.images.tree import Tree

__all__ = ["PROGRAMS", "add_git_and_perl", "add_programs", "asked"]

PROGRAMS = tuple(
    "bash sh [ awk base64 basename bunzip2 bzip2 cat chmod cksum clear cmp comm cp csplit curl cut date dd df diff "
    "diff3 dirname du echo env expand expr factor false file find fmt fold git grep egrep fgrep groups gunzip gzip "
    "head hostname id install join kill less link ln ls make md5sum mkdir mkfifo mktemp more mv nice nl nohup nproc "
    "numfmt od paste patch perl pgrep pkill pr printenv printf ps pwd python python3 readlink realpath rev rm rmdir "
    "sed seq setsid sha1sum sha256sum sha512sum shred shuf sleep sort split sqlite3 stat stdbuf stty sum sync tac "
    "tail tar tee test time timeout top touch tr tree true truncate tsort tty uname unexpand uniq unlink unxz unzip "
    "uptime vi wc which whoami xargs xxd xz yes zcat zip".split()
)

_SYSTEM_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"  # what sessions show of an image
_NOT_IN_GIT = ("git-remote-*", "git-http-*", "git-imap-send", "git-daemon", "git-shell", "scalar")  # for networks


def add_programs(tree: Tree, names: Iterable[str]) -> None:
    """Add those programs that this machine has."""
    for name in names:
        found = shutil.which(name, path=_SYSTEM_PATH)
        if found is not None:
            tree.add(found)


def add_git_and_perl(tree: Tree) -> None:
    """Add the folders that git and perl have beside their programs, if this machine has them."""
    if shutil.which("git", path=_SYSTEM_PATH):
        tree.add(asked("git", "--exec-path"), _NOT_IN_GIT)
    if shutil.which("perl", path=_SYSTEM_PATH):
        folders = [path for path in asked("perl", "-e", 'print "$_\n" for @INC').split("\n") if os.path.isdir(path)]
        base = [path for path in folders if path.endswith("/perl-base")]  # Debian's: the core modules alone
        for path in base or folders:
            tree.add(path)


def asked(*command: str) -> str:
    """Return what a program prints.

    Raises:
        ConfigError: If it can't be run, or fails.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", "") or "").strip() or str(error)
        raise ConfigError(f"`{' '.join(command)[:80]}` doesn't work on this machine: {said[-300:]}") from error
    return done.stdout.strip()
