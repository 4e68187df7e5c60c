"""A root file system made of this machine's own files.

- :func:`host_tree`: its programs and Python, packages, toolchains, and the libraries all of these load.

See ld.so(8) for how programs find their libraries.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from deepgym_env.errors import ConfigError
from deepgym_env.images.programs import PROGRAMS, add_git_and_perl, add_programs
from deepgym_env.images.python import add_python
from deepgym_env.images.toolchains import TOOLCHAINS
from deepgym_env.images.tree import Tree

__all__ = ["host_tree"]

_FILES = {
    "/etc/passwd": b"root:x:0:0:root:/root:/bin/sh\nagent:x:61000:61000::/workspace:/bin/bash\n",
    "/etc/group": b"root:x:0:\nagent:x:61000:\n",
    "/etc/nsswitch.conf": b"passwd: files\ngroup: files\nhosts: files\n",
}
_TOP_LEVEL = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")  # links into /usr, or folders of their own
# A library is found in the image where it is found here, so the loader's settings and its cache hold there too.
_LOADER = ("/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.cache")
_DATA = (
    "/usr/share/git-core",
    "/usr/share/misc/magic.mgc",
    "/usr/share/zoneinfo",
    "/usr/share/terminfo",
    "/lib/terminfo",
    "/usr/lib/locale/C.utf8",
    "/usr/share/awk",
)
_NOT_IN_DATA = ("zoneinfo/posix", "zoneinfo/right")
_LOADED_LATE = ("libgcc_s.so.1", "libnss_files.so.2")  # opened by the C library when it needs them
_ELF = b"\x7fELF"
_LIBRARY = re.compile(r"^\s+(?:\S+ => )?(/.+) \(0x[0-9a-f]+\)$", re.MULTILINE)


def host_tree(packages: Sequence[str], languages: Sequence[str]) -> Tree:
    """Return this machine's programs, the Python that runs this, its packages and toolchains."""
    tree = Tree()
    for path in _TOP_LEVEL:
        if os.path.islink(path):
            tree.link(path, os.readlink(path))
            tree.folder(os.path.realpath(path))
    tree.add_places()
    for path, text in _FILES.items():
        tree.file(path, text)
    add_python(tree, packages)
    add_programs(tree, [name for name in PROGRAMS if name not in ("python", "python3")])
    add_git_and_perl(tree)
    for path in (*_LOADER, *_DATA):
        tree.add(path, _NOT_IN_DATA)
    for language in languages:
        TOOLCHAINS[language].add(tree)
    _add_libraries(tree)
    for name in _LOADED_LATE:
        for folder in ("/lib", "/lib64", *map(str, Path("/lib").glob("*-linux-*"))):
            tree.add(f"{folder}/{name}")
    return tree


def _add_libraries(tree: Tree) -> None:
    """Add the shared libraries that programs and libraries in the tree load, and the loader.

    Raises:
        ConfigError: If this machine has no ``ldd``.
    """
    if shutil.which("ldd") is None:
        raise ConfigError("source='host' needs ldd, which comes with the C library: `apt install libc-bin`")
    sources = {source for _, source in tree.copies()}
    binaries = sorted(source for source in sources if _is_elf(source))
    present = {os.path.realpath(source) for source in sources}
    for start in range(0, len(binaries), 64):
        command = ["ldd", *binaries[start : start + 64]]
        listed = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        for library in dict.fromkeys(_LIBRARY.findall(listed.stdout)):
            if os.path.realpath(library) not in present or library.startswith(("/lib", "/usr/lib")):
                tree.add(library)


def _is_elf(path: str) -> bool:
    if path.endswith((".py", ".h", ".o", ".a")):
        return False
    try:
        with open(path, "rb") as file:
            return file.read(len(_ELF)) == _ELF
    except OSError:
        return False  # told of when it is to be copied
