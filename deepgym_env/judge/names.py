"""Names in test code.

- :func:`foreign_names`: what it takes from the submission.
- :func:`unbound_names`: what a module takes from the file it is put behind.
"""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator

from deepgym_env.source import parse

__all__ = ["foreign_names", "unbound_names"]


def foreign_names(code: str, support: str, entry_point: str) -> tuple[str, ...]:
    r"""Return the names that ``code`` uses and nobody but the submission can define, sorted.

    Args:
        code: Source of a test.
        support: Source whose names it sees.
        entry_point: The function asked for, which it is given anyway, as ``candidate`` is.

    Example:
        >>> foreign_names("root = Node(1)\nassert depth(root) == len([1])", "import math", "depth")
        ('Node',)
    """
    used: set[str] = set()
    known = {entry_point, "candidate", *dir(builtins)}
    for source in (code, support):
        for scope in _scopes(symtable.symtable(source, "test.py", "exec")):
            for name in scope.get_symbols():
                if scope.get_type() != "module" and not name.is_global():
                    continue
                if name.is_referenced():
                    used.add(name.get_name())
                if name.is_assigned() or name.is_imported():
                    known.add(name.get_name())
    return tuple(sorted(used - known))


def unbound_names(code: str) -> tuple[str, ...]:
    r"""Return the global names that a module uses and doesn't bind, sorted; built-ins are no such names.

    Example:
        >>> unbound_names("import re\ndef test():\n    import os\n    assert f(re) == os.name\ndef g(): os.sep")
        ('f', 'os')
    """
    plain = ast.unparse(parse(code))  # without what Python would warn of, such as "\\d"
    table = symtable.symtable(plain, "test.py", "exec")
    bound = {name.get_name() for name in table.get_symbols() if name.is_assigned() or name.is_imported()}
    used = {
        name.get_name()
        for scope in _scopes(table)
        for name in scope.get_symbols()
        if name.is_referenced() and (scope is table or name.is_global())
    }
    return tuple(sorted(used - bound - set(dir(builtins)) - {"__file__"}))


def _scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _scopes(child)
