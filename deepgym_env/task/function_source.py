"""The source of a function together with what it uses, as a module that stands by itself.

- :func:`source_of`: the source; :func:`signature_in`: the signature of a function defined in one.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import symtable
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from typing import Any

from deepgym_env.errors import TaskError
from deepgym_env.source import parse

__all__ = ["signature_in", "source_of"]

_FUTURE = "from __future__ import annotations"
_POSTPONED = importlib.import_module("__future__").annotations.compiler_flag


def source_of(function: Callable[..., Any]) -> str:
    """Return the source of a function, after imports, constants and helpers of its module that it uses.

    Raises:
        TaskError: If its source isn't to be had, or it uses what can't be written down; the message says what.
    """
    inner = inspect.unwrap(function)
    if not isinstance(inner, types.FunctionType) or inner.__name__ == "<lambda>":
        raise TaskError(f"the reference must be a function made with def, got {function!r}")
    if inspect.iscoroutinefunction(inner) or inspect.isgeneratorfunction(inner):
        raise TaskError(f"{inner.__name__} must return its answer, but is async or a generator")
    writer = _Writer(inner.__globals__, inner.__module__)
    writer.define(inner.__name__, inner)
    futures = inner.__code__.co_flags & _POSTPONED
    head = [_FUTURE] if futures else []
    imports = "\n".join([*head, *sorted(writer.imports)])
    return "\n\n".join(filter(None, [imports, *writer.parts])) + "\n"


def signature_in(source: str, name: str) -> str:
    """Return the signature of a function a source defines, as it is written there.

    Example:
        >>> signature_in("def twice(x: int, *more) -> int: return 2 * x", "twice")
        'twice(x: int, *more) -> int'
    """
    for node in parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
            return f"{name}({ast.unparse(node.args)}){returns}"
    raise TaskError(f"the reference's source defines no function {name!r}")


class _Writer:
    """Writes down definitions, each after what it needs."""

    def __init__(self, names: dict[str, Any], home: str) -> None:
        self._names = names
        self._home = home
        self._seen: set[str] = set()
        self.imports: set[str] = set()
        self.parts: list[str] = []

    def define(self, name: str, value: Any) -> None:
        """Write a function or class of the home module."""
        self._seen.add(name)
        free = set(getattr(getattr(value, "__code__", None), "co_freevars", ())) - {name}
        if free:
            raise TaskError(f"{name} uses {', '.join(sorted(free))} of the function around it: give it as an argument")
        try:
            source = textwrap.dedent(inspect.getsource(value))
        except (OSError, TypeError) as error:
            raise TaskError(
                f"the source of {name} isn't to be had ({error}): define it in a file, or give source='def {name}...'"
            ) from error
        for used in _globals_of(source):
            if used not in self._seen and used in self._names:
                self._write(name, used, self._names[used])
        self.parts.append(source.rstrip())

    def _write(self, user: str, name: str, value: Any) -> None:
        inner = inspect.unwrap(value) if callable(value) else value  # a cached function is one of its module, too
        if isinstance(inner, types.FunctionType | type) and inner.__module__ == self._home:
            self.define(name, inner)
            if inner.__name__ != name:
                self.parts.append(f"{name} = {inner.__name__}")
            return
        self._seen.add(name)
        imported = _import_of(name, value)
        if imported:
            self.imports.add(imported)
        elif _is_literal(value):
            self.parts.append(f"{name} = {value!r}")
        elif not hasattr(builtins, name):
            raise TaskError(
                f"{user} uses {name}, a {type(value).__name__} that can't be written down: make it in the function, "
                f"or give source=..."
            )


def _globals_of(source: str) -> list[str]:
    """Return the global names a definition uses, in the order of the alphabet."""
    used: set[str] = set()
    for table in _tables(symtable.symtable(source, "reference", "exec")):
        top = table.get_type() == "module"
        used |= {name.get_name() for name in table.get_symbols() if name.is_referenced() and (top or name.is_global())}
    return sorted(used)


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)


def _import_of(name: str, value: Any) -> str:
    """Return the statement that imports a value of another module; empty if there is none."""
    if isinstance(value, types.ModuleType):
        return f"import {value.__name__}" if value.__name__ == name else f"import {value.__name__} as {name}"
    module = getattr(value, "__module__", None)
    for known in (getattr(value, "__qualname__", None), getattr(value, "_name", None), name):
        if module and known and getattr(sys.modules.get(module), known, None) is value:
            return f"from {module} import {known}" + ("" if known == name else f" as {name}")
    return ""


def _is_literal(value: Any) -> bool:
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return False
