"""The Python that runs this, as it goes into an image: interpreter, standard library and packages.

- :func:`add_python`: add it to a tree, with bytecode.
"""

from __future__ import annotations

import importlib.util
import json
import marshal
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from deepgym_env.errors import ConfigError
from deepgym_env.images.programs import asked
from deepgym_env.images.tree import Tree

__all__ = ["add_python"]

_NOT_IN_STDLIB = (
    *("__pycache__", "site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3", "tkinter", "turtledemo"),
    *("ensurepip", "config-*", "_tkinter.*", "_test*", "xxlimited*"),
)
_NOT_IN_PACKAGES = ("__pycache__", "tests", "*.a")


def add_python(tree: Tree, packages: Sequence[str]) -> None:
    """Add the interpreter, its standard library and ``packages``, with bytecode.

    Raises:
        ConfigError: If a package isn't installed beside it.
    """
    interpreter = os.path.realpath(sys.executable)
    query = (
        "import json, site, sys, sysconfig; paths = sysconfig.get_paths(); "
        "print(json.dumps([paths['stdlib'], paths['platstdlib'], site.getsitepackages()[0]]))"
    )
    stdlib, platform_stdlib, site_packages = json.loads(asked(interpreter, "-I", "-S", "-c", query))
    tree.add(interpreter)
    for name in ("python", "python3"):
        if interpreter != f"/usr/bin/{name}":
            tree.link(f"/usr/bin/{name}", interpreter)
    for folder in dict.fromkeys((stdlib, platform_stdlib)):
        tree.add(folder, _NOT_IN_STDLIB)
        _add_bytecode(tree, folder)
    for name in packages:
        for path in _package_paths(name):
            place = f"{site_packages}/{os.path.basename(path)}"
            if os.path.isdir(path):
                tree.add_folder(path, place, _NOT_IN_PACKAGES)
                _add_bytecode(tree, place)
            else:
                tree.file(place, path)


def _package_paths(name: str) -> list[str]:
    """Return where a package lies, and the libraries its wheel brings."""
    try:
        spec = importlib.util.find_spec(name) if name.isidentifier() else None
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.origin or not os.path.isfile(spec.origin):
        raise ConfigError(f"no package {name!r} is installed beside {sys.executable}: pip install it, or leave it out")
    if spec.submodule_search_locations is None:
        return [spec.origin]
    folder = os.path.dirname(spec.origin)
    return [path for path in (folder, f"{folder}.libs") if os.path.isdir(path)]


def _add_bytecode(tree: Tree, folder: str) -> None:
    """Compile the Python files below ``folder``: nobody could write it there later."""
    for place, source in tree.copies():
        if place.startswith(f"{folder}/") and place.endswith(".py"):
            name = f"{os.path.basename(place)[:-3]}.{sys.implementation.cache_tag}.pyc"
            code = _bytecode(Path(source).read_bytes(), place)
            if code is not None:
                tree.file(f"{os.path.dirname(place)}/__pycache__/{name}", code)


def _bytecode(source: bytes, place: str) -> bytes | None:
    """Return a .pyc that is used without a look at its source; None for what is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are for those who write it
            code = compile(source, place, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    head = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + importlib.util.source_hash(source)
    return head + marshal.dumps(code)
