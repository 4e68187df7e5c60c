"""Libraries that only some of DeepGym needs.

- :func:`require`: import one, or say how to install it.
"""

from __future__ import annotations

import importlib
from typing import Any

from deepgym_env.errors import ConfigError

__all__ = ["require"]


def require(module: str, what: str, extra: str) -> Any:
    """Import ``module`` for ``what``, which the extra ``extra`` installs.

    Raises:
        ConfigError: If it, or what it needs, is not installed.

    Example:
        >>> require("no_such_module", "juggling", "circus")
        Traceback (most recent call last):
        ...
        deepgym_env.errors.ConfigError: juggling needs no_such_module: pip install 'deepgym-env[circus]' (No ...)
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"{what} needs {module.partition('.')[0]}: pip install 'deepgym-env[{extra}]' ({error})"
        ) from error
