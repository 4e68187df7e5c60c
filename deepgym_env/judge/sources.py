"""Modules of this package that run in a sandbox and not here.

- :func:`source_of`: the source of one.
"""

from __future__ import annotations

import functools
from pathlib import Path

__all__ = ["source_of"]


@functools.cache
def source_of(name: str) -> str:
    """Return the source of a module that runs in a sandbox and not here, to be put behind other source."""
    text = (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8")
    return text.partition("from __future__ import annotations\n")[2]
