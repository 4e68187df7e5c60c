"""Places in a program that can be one of several things, and what it then looks like.

- :class:`Site`: such a place; :class:`Editable`: a program with several.
- :func:`editable`: finds them, by what a mutation operator may replace.
- :data:`LOOKS`: what an option can look like, as an agent without eyes for text sees it.
"""

from __future__ import annotations

import ast
import copy
import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass

from deepgym_env.audit.mutation.mutants import Path, places_in
from deepgym_env.audit.mutation.operators import replacements, statement_replacements
from deepgym_env.source import parse

__all__ = ["LOOKS", "Editable", "Site", "editable", "look_of"]

LOOKS = (
    *("<", "<=", ">", ">=", "==", "!=", "in", "not in", "is", "is not"),
    *("+", "-", "*", "/", "//", "%", "other operator", "and", "or", "not", "negative"),
    *("0", "1", "2", "other number", "True", "False", "None", "text"),
    *("min", "max", "any", "all", "call", "one more", "one less", "slice", "choice"),
    *("return", "return None", "pass", "break", "continue", "if", "if not", "while", "while not", "other"),
)
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.And: "and",
    ast.Or: "or",
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Not: "not",
    ast.USub: "negative",
}
_LEFT_OUT = ("deletion", "return")  # too easy to tell: nobody writes what they leave
# These leave what is below where it was, so that it can be replaced too; a condition all but its test.
_IN_PLACE = ("comparison", "arithmetic", "boolean", "function", "condition")


@dataclass(frozen=True, slots=True)
class Site:
    """A place in a program and what can stand there.

    Attributes:
        path: The way to it in the syntax tree.
        options: What can stand there, in no telling order.
        original: Which of them the program as it was written has.
        looks: What each looks like, an index of :data:`LOOKS`.
        line: The line it is in, as Python writes the program out.
    """

    path: Path
    options: tuple[ast.stmt | ast.expr, ...]
    original: int
    looks: tuple[int, ...]
    line: int


@dataclass(frozen=True, slots=True, eq=False)
class Editable:
    """A program with sites, from the top of its tree to the bottom."""

    tree: ast.Module
    sites: tuple[Site, ...]

    @property
    def original(self) -> tuple[int, ...]:
        """The option at each site of the program as it was written."""
        return tuple(site.original for site in self.sites)

    def code(self, chosen: Sequence[int]) -> str:
        """Return the program with an option at each site."""
        return _written(self, tuple(chosen))


@functools.lru_cache(maxsize=1 << 16)  # an agent comes by the same ones again and again
def _written(program: Editable, chosen: tuple[int, ...]) -> str:
    tree: ast.AST = program.tree
    for site, option in zip(program.sites, chosen, strict=True):  # from the top: a site may be below another
        if option != site.original:
            tree = _replaced(tree, site.path, site.options[option])
    return ast.unparse(tree)


def _replaced(tree: ast.AST, path: Path, node: ast.AST) -> ast.AST:
    """Return a tree with a node replaced; all that is not on the way to it is shared with the tree as it was."""
    if not path:
        return node
    (name, at), rest = path[0], path[1:]
    changed, value = copy.copy(tree), getattr(tree, name)
    if at is None:
        setattr(changed, name, _replaced(value, rest, node))
    else:
        setattr(changed, name, [*value[:at], _replaced(value[at], rest, node), *value[at + 1 :]])
    return changed


def editable(source: str, *, sites: int = 6, options: int = 3, seed: int = 0) -> Editable:
    """Find up to ``sites`` places in a program, with 2 to ``options`` options each.

    Args:
        source: The program.
        sites: Most places; drawn with ``seed`` if there are more.
        options: Most options of one, what stands there included.
        seed: Draws places, options and their order.

    Example:
        >>> program = editable("def f(a): return not a")
        >>> sorted(program.code([option]).splitlines()[1] for option in (0, 1))
        ['    return a', '    return not a']
    """
    tree = parse(ast.unparse(parse(source)))
    rng = random.Random(f"{seed}:{ast.unparse(tree)}")
    found = [each for path, node in places_in(tree) if (each := _site(path, node, options, rng)) is not None]
    kept: list[int] = []  # of what was found
    for number in rng.sample(range(len(found)), len(found)):
        if len(kept) < sites and not any(_in_the_way(found[number], found[other]) for other in kept):
            kept.append(number)
    return Editable(tree, tuple(found[number][0] for number in sorted(kept)))


def _site(path: Path, node: ast.stmt | ast.expr, most: int, rng: random.Random) -> tuple[Site, set[str]] | None:
    """Return a node as a site, and the operators of its options; None if it can be nothing else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return None  # the other option is an empty one: too easy to tell
    found = statement_replacements(node) if isinstance(node, ast.stmt) else replacements(node)
    others = [(operator, other) for operator, other in found if operator not in _LEFT_OUT]
    if not others:
        return None
    others = rng.sample(others, min(most - 1, len(others)))
    options: list[ast.stmt | ast.expr] = [node, *(other for _, other in others)]
    rng.shuffle(options)
    looks = tuple(LOOKS.index(look_of(option)) for option in options)
    return Site(path, tuple(options), options.index(node), looks, node.lineno), {operator for operator, _ in others}


def _in_the_way(one: tuple[Site, set[str]], other: tuple[Site, set[str]]) -> bool:
    """Return whether replacing one of two sites would move or remove the other."""
    (upper, operators), (lower, _) = sorted((one, other), key=lambda each: len(each[0].path))
    if lower.path[: len(upper.path)] != upper.path:
        return False
    below = lower.path[len(upper.path)][0]
    return not operators <= set(_IN_PLACE) or ("condition" in operators and below == "test")


def look_of(node: ast.stmt | ast.expr) -> str:
    """Return what a node looks like, of :data:`LOOKS`, without what is below it.

    Example:
        >>> look_of(ast.parse("a <= b", mode="eval").body), look_of(ast.parse("range(n + 1)", mode="eval").body)
        ('<=', 'one more')
    """
    if isinstance(node, ast.Compare):
        return _OPERATORS[type(node.ops[0])]
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.UnaryOp | ast.AugAssign):
        return _OPERATORS.get(type(node.op), "other operator")
    if isinstance(node, ast.If | ast.While):
        word = "if" if isinstance(node, ast.If) else "while"
        return f"{word} not" if _is_not(node.test) else word
    if isinstance(node, ast.Return):
        return "return None" if isinstance(node.value, ast.Constant) and node.value.value is None else "return"
    if isinstance(node, ast.Constant):
        return _look_of_value(node.value)
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        return name if name in LOOKS else _shift(node.args) or "call"
    if isinstance(node, ast.Slice):
        return _shift([bound for bound in (node.lower, node.upper) if bound is not None]) or "slice"
    names = {ast.IfExp: "choice", ast.Pass: "pass", ast.Break: "break", ast.Continue: "continue"}
    return names.get(type(node), "other")


def _look_of_value(value: object) -> str:
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return "text"
    return str(value) if value in (0, 1, 2) else "other number"


def _is_not(test: ast.expr) -> bool:
    return isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)


def _shift(parts: Sequence[ast.expr]) -> str | None:
    """Return whether 1 is added to one of several expressions, or taken from it."""
    for part in parts:
        if isinstance(part, ast.BinOp) and isinstance(part.right, ast.Constant) and part.right.value == 1:
            return {ast.Add: "one more", ast.Sub: "one less"}.get(type(part.op))
    return None
