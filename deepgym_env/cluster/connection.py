"""This process's connection to a Ray cluster, shared by the engines that use it.

- :func:`connect`: make it, or take a share in it; :func:`ray`: the library.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Any

from deepgym_env.errors import ConfigError, SandboxError
from deepgym_env.optional import require

__all__ = ["connect", "ray"]

_log = logging.getLogger(__name__)
_lock = threading.Lock()
_shares = 0


def ray() -> Any:
    """Return the library.

    Raises:
        ConfigError: If it isn't installed.
    """
    return require("ray", "mode 'ray'", "ray")


def connect(address: str | None) -> Callable[[], None]:
    """Connect to a cluster, unless this process is connected.

    Args:
        address: The cluster's, as ``ray.init`` takes it; by default ``RAY_ADDRESS``, or the cluster that runs on this
            machine. Where there is none, one of this machine alone is started.

    Returns:
        What gives the share back; with the last one a connection that was made here ends.

    Raises:
        ConfigError: If the address can't be used.
        SandboxError: If there is no cluster there.
    """
    global _shares
    if address is not None and address.startswith("ray://"):
        raise ConfigError(
            f"url must be the address of the cluster itself, such as 'head:6379' or 'auto', got {address!r}: "
            "start this program within the cluster, for example by `ray job submit`"
        )
    with _lock:
        if _shares == 0:
            if ray().is_initialized():  # whoever did that will end it
                return lambda: None
            _connect(address)
        _shares += 1
    return _release


def _release() -> None:
    global _shares
    with _lock:
        _shares -= 1
        if _shares == 0:
            ray().shutdown()


def _connect(address: str | None) -> None:
    wanted = address or os.environ.get("RAY_ADDRESS") or "auto"
    try:
        ray().init(address=wanted)
    except ConnectionError as error:
        if wanted != "auto" or address == "auto":
            raise SandboxError(f"no Ray cluster at {wanted!r}: {error}") from error
        _log.warning(
            "no Ray cluster is running: one of this machine alone is started; url= or RAY_ADDRESS names another"
        )
        ray().init(address="local", include_dashboard=False, log_to_driver=False)
