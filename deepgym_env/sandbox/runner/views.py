"""What may be asked of a returned value instead of the value itself (stdlib only, Python 3.8+).

It is applied where the value is, by the process that made it: that process can do no more about the
answer than it could have returned.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict

__all__ = ["VIEWS"]


def _present(value: Any) -> bool:
    return value if type(value) is bool else value is not None


VIEWS: Dict[str, Callable[[Any], Any]] = {
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
    "tuple": tuple,
    "list": list,
    "set": set,
    "sorted": sorted,
    "present": _present,
}
"""By the names :data:`deepgym_env.task.View` has."""
