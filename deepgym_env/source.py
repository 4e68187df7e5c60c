"""Python source that others wrote.

- :func:`parse`, :func:`parse_expression`: its syntax tree, without the warnings Python has about it.
"""

from __future__ import annotations

import ast
import threading
import warnings

__all__ = ["parse", "parse_expression"]

# Warnings' filters are the process's: two threads must not put them back crosswise. And CPython 3.11 counts how deep
# a tree is for all threads together (gh-106905): two that make one at a time get a SystemError.
_lock = threading.Lock()


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


def parse_expression(source: str) -> ast.expr:
    """Return the syntax tree of an expression.

    Raises:
        SyntaxError: If it is none.
        ValueError: If it holds a null character.

    Example:
        >>> type(parse_expression("1 + 1")).__name__
        'BinOp'
    """
    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source, mode="eval").body
