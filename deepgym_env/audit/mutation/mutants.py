"""Makes mutants: a source with one small fault each.

- :class:`Mutant`
- :func:`mutants_of`
- :func:`places_in`: the nodes that may be replaced.
"""

from __future__ import annotations

import ast
import copy
import difflib
import random
from collections.abc import Iterator
from dataclasses import dataclass

from deepgym_env.audit.mutation.operators import replacements, statement_replacements
from deepgym_env.source import parse

__all__ = ["Mutant", "Path", "mutants_of", "places_in"]

Path = tuple[tuple[str, int | None], ...]

_SKIPPED = ("annotation", "returns", "decorator_list", "type_params")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A source with one fault.

    Attributes:
        code: Its source.
        operator: What kind of fault it is.
        line: Where it is, in the source as Python writes it out.
        diff: What it changes.
    """

    code: str
    operator: str
    line: int
    diff: str


def mutants_of(source: str, *, most: int | None = None, seed: int = 0, name: str = "reference.py") -> list[Mutant]:
    r"""Return the mutants of a source, each once, in the order of its lines.

    Args:
        source: What is mutated.
        most: At most so many, drawn with ``seed`` if there are more.
        seed: Draws which.
        name: What the source is called in the diffs.

    Example:
        >>> [(mutant.operator, mutant.code) for mutant in mutants_of("def f(a): return a + 1")][:2]
        [('return', 'def f(a):\n    return None'), ('arithmetic', 'def f(a):\n    return a - 1')]
    """
    original = ast.unparse(parse(source))
    tree = parse(original)
    found: dict[str, Mutant] = {}
    for operator, line, changed in _changed_trees(tree):
        code = ast.unparse(ast.fix_missing_locations(changed))
        if code != original and code not in found and _compiles(code):
            found[code] = Mutant(code, operator, line, _diff(original, code, name))
    mutants = list(found.values())
    if most is not None and len(mutants) > most:
        chosen = sorted(random.Random(seed).sample(range(len(mutants)), most))
        mutants = [mutants[number] for number in chosen]
    return mutants


def _changed_trees(tree: ast.Module) -> Iterator[tuple[str, int, ast.Module]]:
    """Yield the tree with one node replaced, for each replacement of each node."""
    for path, node in places_in(tree):
        options = statement_replacements(node) if isinstance(node, ast.stmt) else replacements(node)
        for operator, other in list(options):
            changed = copy.deepcopy(tree)
            _put(changed, path, copy.deepcopy(other))
            yield operator, getattr(node, "lineno", 0), changed


def places_in(node: ast.AST, path: Path = ()) -> Iterator[tuple[Path, ast.stmt | ast.expr]]:
    """Yield the statements and expressions below a node that may be replaced, with the way to each."""
    for name, value in ast.iter_fields(node):
        if name in _SKIPPED:
            continue
        for at, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or _is_docstring(node, name, at, child):
                continue
            here = (*path, (name, at))
            if isinstance(child, ast.stmt | ast.expr):
                yield here, child
            yield from places_in(child, here)


def _is_docstring(parent: ast.AST, name: str, at: int | None, child: ast.AST) -> bool:
    return (
        name == "body"
        and at == 0
        and isinstance(parent, ast.Module | ast.FunctionDef | ast.ClassDef)
        and isinstance(child, ast.Expr)
        and isinstance(child.value, ast.Constant)
    )


def _put(tree: ast.AST, path: Path, node: ast.AST) -> None:
    parent: ast.AST = tree
    for name, at in path[:-1]:
        value = getattr(parent, name)
        parent = value if at is None else value[at]
    name, at = path[-1]
    if at is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[at] = node


def _compiles(code: str) -> bool:
    try:
        compile(code, "mutant.py", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _diff(before: str, after: str, name: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, "mutant.py", lineterm="", n=1)
    return "\n".join(lines)
