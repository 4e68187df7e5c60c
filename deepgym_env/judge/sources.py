"""Modules of this package that run in a sandbox and not here.

- :func:`source_of`: the source of some.
"""

from __future__ import annotations

import functools
import inspect
from types import ModuleType

__all__ = ["source_of"]

_BEHIND = "from __future__ import annotations\n"


@functools.cache
def source_of(*modules: ModuleType) -> str:
    """Return the sources of modules that run in a sandbox and not here, to be put behind other source."""
    return "\n".join(inspect.getsource(module).partition(_BEHIND)[2] for module in modules)
