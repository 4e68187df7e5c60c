"""Python source that others wrote.

- :func:`parse`: its syntax tree, without the warnings Python has about it.
"""

from __future__ import annotations

import ast
import threading
import warnings

__all__ = ["parse"]

_lock = threading.Lock()  # warnings' filters are the process's: two threads must not put them back crosswise


def parse(source: str) -> ast.Module:
    r"""Return the syntax tree of a module.

    Raises:
        SyntaxError: If it is no Python.
        ValueError: If it holds a null character.

    Example:
        >>> len(parse("pattern = '\\d'").body)
        1
    """
    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)
