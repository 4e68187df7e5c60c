"""Working on another machine: the REST API's messages, and the executor that speaks them.

- :mod:`~deepgym_env.remote.wire`: what goes over the wire, for the server and its clients;
  :mod:`~deepgym_env.remote.wire_programs`: the part about programs, the sandbox and audits.
- :mod:`~deepgym_env.remote.executor`: what ``DeepGym(mode="remote", url=...)`` works with.
- :class:`Client`: a server's lists, jobs, episodes and audits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepgym_env.remote.client import Client

__all__ = ["Client"]


def __getattr__(name: str) -> Any:
    """Import the client when it is asked for: a server needs none, nor what it is made of."""
    if name != "Client":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from deepgym_env.optional import require

    require("httpx", "deepgym_env.remote.Client", "remote")
    from deepgym_env.remote.client import Client

    return Client
