"""What a runner is given: modules, packages, and its own sources where they aren't at hand.

- :data:`BOOT`: the program to start there, as ``python3 -s -S -c BOOT folder``: a folder it may write to.
- :func:`bundle`: the first bytes that program reads.
- :func:`package_folders`: where a package of ours lies; :func:`modules_of`: what to import of it.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
from collections.abc import Sequence
from pathlib import Path

__all__ = ["BOOT", "DEFAULT_PRELOAD", "ENVIRONMENT", "bundle", "modules_of", "package_folders"]

# What solutions import; each costs the runner memory once and a submission nothing.
DEFAULT_PRELOAD: tuple[str, ...] = (
    *("abc", "bisect", "collections", "contextlib", "copy", "dataclasses", "datetime", "decimal", "enum"),
    *("fractions", "functools", "heapq", "io", "itertools", "json", "math", "operator", "random", "re"),
    *("statistics", "string", "time", "traceback", "types", "typing"),
)
ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "LANG": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
_RUNNER = Path(__file__).parent / "runner"
# Reads no byte more than it was sent: what follows are frames.
BOOT = f"""
import json, os, sys

def take(count):
    data = b""
    while len(data) < count:
        part = os.read(0, count - len(data))
        if not part:
            os._exit(1)
        data += part
    return data

for name in set(os.environ) - set({sorted(ENVIRONMENT)}):
    del os.environ[name]  # what an image sets is not ours to show
sources = json.loads(take(int.from_bytes(take(4), "little")))
folder = sys.argv.pop(1)
os.mkdir(os.path.join(folder, "runner"))
for name in sources:
    with open(os.path.join(folder, "runner", name), "w") as file:
        file.write(sources[name])
sys.path.insert(0, folder)
from runner.launch import main
main()
"""


@functools.cache
def bundle() -> bytes:
    """Return the runner's sources: ``u32 length | JSON {name: source}``."""
    sources = {path.name: path.read_text() for path in sorted(_RUNNER.glob("*.py"))}
    data = json.dumps(sources).encode()
    return len(data).to_bytes(4, "little") + data


def modules_of(packages: Sequence[str]) -> list[str]:
    """Return what to import of packages; numpy loads late what the runner seeds for every submission."""
    return [*packages, "numpy.random"] if "numpy" in packages else list(packages)


def package_folders(name: str) -> list[str]:
    """Return a package's folder and that of the libraries its wheel brings; none if not installed."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.origin:
        return []
    folder = os.path.dirname(os.path.realpath(spec.origin))
    return [path for path in (folder, f"{folder}.libs") if os.path.isdir(path)]
