"""Where imported benchmarks are kept.

- :func:`home`: the folder; :func:`write_atomically`: a file in it, complete or not at all.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["home", "write_atomically"]


def home() -> Path:
    """Return the folder: ``DEEPGYM_HOME``, else ``deepgym`` in the user's data folder."""
    chosen = os.environ.get("DEEPGYM_HOME")
    if chosen:
        return Path(chosen).expanduser()
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser() / "deepgym"


def write_atomically(file: Path, data: bytes) -> None:
    """Write a file that others see complete or not at all, whatever happens meanwhile."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
