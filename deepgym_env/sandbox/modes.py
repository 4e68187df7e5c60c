"""Backends by name.

- :data:`Mode`, :data:`MODES`: the names; :func:`backend_for`: the backend of one.
"""

from __future__ import annotations

import os
from typing import Literal, get_args

from deepgym_env.errors import ConfigError
from deepgym_env.sandbox.local import LocalBackend
from deepgym_env.sandbox.process import Backend

__all__ = ["MODES", "Mode", "backend_for"]

Mode = Literal["local", "docker", "gvisor", "runsc", "daytona"]
MODES: tuple[Mode, ...] = get_args(Mode)


def backend_for(mode: str, image: str | None = None) -> Backend:
    """Return the backend a mode stands for; it starts nothing yet.

    Args:
        mode: ``local`` (namespaces of this machine), ``docker`` (containers), ``gvisor`` (containers with
            the runtime ``DEEPGYM_GVISOR_RUNTIME`` names, by default ``runsc``), ``runsc`` (gVisor without a
            daemon) or ``daytona`` (sandboxes of that service).
        image: What the sandbox holds, for ``docker``, ``gvisor`` and ``daytona``.

    Raises:
        ConfigError: If there is no such mode, or it takes no image.
    """
    if mode not in MODES:
        raise ConfigError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
    if image is not None and mode in ("local", "runsc"):
        raise ConfigError(f"mode {mode!r} takes no image: it shows the sandbox this machine's own programs")
    if mode == "local":
        return LocalBackend()
    if mode == "runsc":
        from deepgym_env.sandbox.runsc import RunscBackend

        return RunscBackend()
    if mode == "daytona":
        from deepgym_env.sandbox.daytona import DaytonaBackend

        return DaytonaBackend(image=image)
    from deepgym_env.sandbox.docker import DockerBackend

    runtime = os.environ.get("DEEPGYM_GVISOR_RUNTIME", "runsc") if mode == "gvisor" else None
    return DockerBackend(image, runtime=runtime)
