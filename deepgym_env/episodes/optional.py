"""Libraries only some formats need, and the text their files can hold.

- :func:`require`: import one, or say how to install it.
- :func:`storable`: text that any UTF-8 file can hold.
"""

from __future__ import annotations

import importlib
from typing import Any

from deepgym_env.errors import ConfigError

__all__ = ["require", "storable"]


def require(module: str, what: str) -> Any:
    """Import ``module`` for ``what``.

    Raises:
        ConfigError: If it, or what it needs, is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"{what} needs {module.partition('.')[0]}: pip install 'deepgym-env[export]' ({error})"
        ) from error


def storable(text: str) -> str:
    r"""Return ``text`` with lone surrogates as U+FFFD: strings of JSON may hold them, UTF-8 can't.

    Example:
        >>> storable("na\u00efve \ud800") == "na\u00efve \ufffd"
        True
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
