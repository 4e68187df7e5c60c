"""Executors by name.

- :func:`executor_for`: the executor of a mode.
"""

from __future__ import annotations

from deepgym_env.errors import ConfigError
from deepgym_env.executors import MODES, Executor, Options
from deepgym_env.sandbox.modes import backend_for

__all__ = ["executor_for"]


def executor_for(mode: str, options: Options) -> Executor:
    """Return the executor a mode stands for; it starts nothing yet.

    Raises:
        ConfigError: If there is no such mode, or an option doesn't go with it.
    """
    if mode not in MODES and options.backend is None:
        raise ConfigError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
    if mode == "remote":
        from deepgym_env.remote.executor import RemoteExecutor

        return RemoteExecutor(options)
    if mode == "ray":
        from deepgym_env.cluster.executor import RayExecutor

        return RayExecutor(options)
    if options.url is not None or options.api_key is not None:
        raise ConfigError(f"mode {mode!r} takes no url and no api_key: they are for 'remote' and 'ray'")
    from deepgym_env.local_executor import LocalExecutor

    return LocalExecutor(
        options.backend or backend_for(mode, options.image),
        workers=options.workers,
        retries=options.retries,
        min_isolation=options.min_isolation,
    )
