"""What a sandbox's root holds: folders of the host shown read-only, and a few files of its own.

- :class:`Root`: the list.
- :func:`programs_root`: a root with the host's programs besides Python; :func:`workspace_root`: one for agents
  that work with them.
"""

from __future__ import annotations

import glob
import os
import sys
from typing import Dict, List, Sequence

__all__ = [
    "BINARIES",
    "SEARCHED",
    "SESSIONS",
    "STORE",
    "SUPPORT",
    "WORKSPACE",
    "Root",
    "programs_root",
    "workspace_root",
]

WORKSPACE = "/workspace"
SESSIONS = "/sessions"  # one tmpfs per session; never in sight of an agent
STORE = "/store"  # snapshots; never in sight of an agent
SUPPORT = "/box/lib"  # where this package is found as `runner`
BINARIES = "/box/bin"
SEARCHED = BINARIES + ":/usr/local/bin:/usr/bin:/bin"

_PROGRAMS = ("/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/include")
_DATA = ("git-core", "perl", "perl5", "zoneinfo", "terminfo", "misc", "gcc", "awk", "nodejs", "node_modules")
_SETTINGS = ("/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/protocols")
# Debian keeps the sources of Go's library and the settings of Java's beside what is in _PROGRAMS.
_TOOLCHAINS = ("/usr/share/go-[0-9]*", "/etc/java-*-openjdk")
_TOP_LEVEL = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")  # links into /usr, or folders of their own
_FILES = {
    "/etc/passwd": "root:x:0:0::/:/bin/sh\nagent:x:1000:1000::/workspace:/bin/bash\nnobody:x:65534:65534::/:/bin/sh\n",
    "/etc/group": "root:x:0:\nagent:x:1000:\nnogroup:x:65534:\n",
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "/etc/services": "http 80/tcp\nhttps 443/tcp\n",
    # Settings that make git's history the same every time, and keep it from work in the background.
    "/etc/gitconfig": "[user]\n\tname = Agent\n\temail = agent@localhost\n[init]\n\tdefaultBranch = main\n"
    "[safe]\n\tdirectory = *\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[advice]\n\tdetachedHead = false\n",
}
_LINKS = {
    "/dev/fd": "/proc/self/fd",
    "/dev/stdin": "/proc/self/fd/0",
    "/dev/stdout": "/proc/self/fd/1",
    "/dev/stderr": "/proc/self/fd/2",
    "/dev/shm": "/tmp",
    "/dev/random": "/dev/urandom",  # the same since Linux 5.6; Java makes its own noise where there is none
    "/etc/mtab": "/proc/self/mounts",
}


class Root:
    """What a root holds.

    ``shown`` maps a place to the path of the host shown there, ``hidden`` are folders covered by
    empty ones, ``files`` maps paths to texts, ``links`` to targets, and ``folders`` are empty.
    """

    def __init__(self, shown: Dict[str, str], hidden: Sequence[str] = ()) -> None:
        self.shown = shown
        self.hidden = list(hidden)
        self.files: Dict[str, str] = {}
        self.links: Dict[str, str] = {}
        self.folders: List[str] = []


def workspace_root(python: Root) -> Root:
    """Return a root with the host's programs, Python as in ``python``, and room for workspaces."""
    root = programs_root(python)
    root.folders += ["/proc", "/tmp", WORKSPACE, SESSIONS, STORE]
    return root


def programs_root(python: Root) -> Root:
    """Return a root with the host's programs, and Python as in ``python``."""
    paths = [path for path in (*_PROGRAMS, *_SETTINGS, *_TOP_LEVEL) if os.path.exists(path)]
    paths += [path for path in ("/usr/share/" + name for name in _DATA) if os.path.isdir(path)]
    paths += [path for pattern in _TOOLCHAINS for path in sorted(glob.glob(pattern))]
    interpreter = os.path.realpath(sys.executable)
    shown = {path: path for path in paths if not os.path.islink(path)}
    shown.update(python.shown)
    shown.update((path, path) for path in (interpreter, *_own_libraries()))
    shown[os.path.join(SUPPORT, "runner")] = os.path.dirname(os.path.abspath(__file__))
    root = Root(_without_nested(shown), [*python.hidden, *_foreign_packages(shown)])
    root.files.update(_FILES)
    root.links.update(_LINKS)
    root.links.update({path: os.readlink(path) for path in _TOP_LEVEL if os.path.islink(path)})
    root.links.update({os.path.join(BINARIES, name): interpreter for name in ("python", "python3")})
    return root


def _own_libraries() -> List[str]:
    """Return the interpreter's shared library, where it has one: it may lie beside the stdlib's folder."""
    with open("/proc/self/maps") as maps:
        mapped = {line.split(None, 5)[5].rstrip("\n") for line in maps if len(line.split(None, 5)) == 6}
    return sorted(path for path in mapped if os.path.basename(path).startswith("libpython"))


def _without_nested(shown: Dict[str, str]) -> Dict[str, str]:
    """Leave out what lies in another folder that is shown at its own place."""
    own = [place for place, source in shown.items() if place == source]
    return {
        place: source
        for place, source in shown.items()
        if place != source or not any(place.startswith(other + "/") for other in own)
    }


def _foreign_packages(shown: Dict[str, str]) -> List[str]:
    """Return folders of Python packages among what is shown: DeepGym itself may be in one."""
    patterns = ("/usr/lib/python*/dist-packages", "/usr/lib/python*/site-packages", "/usr/lib64/python*/site-packages")
    found = {path for pattern in patterns for path in glob.glob(pattern)}
    here = os.path.abspath(__file__)
    package = os.path.dirname(os.path.dirname(os.path.dirname(here)))  # deepgym_env, when not in a container
    for place, source in shown.items():
        if place == source and package.startswith(place + "/"):
            found.add(os.path.dirname(package))
    return sorted(found)
