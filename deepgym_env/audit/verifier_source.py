"""What can be read from a verifier's source and a task's text.

- :func:`knowledge_of_verifier`
- :func:`entry_point_of`: the function a verifier calls.
- :func:`examples_in`: calls with answers in a task's text.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

from deepgym_env.audit.knowledge import Example, Knowledge, file_names, key_of, literal
from deepgym_env.errors import ConfigError
from deepgym_env.source import parse, parse_expression

__all__ = ["entry_point_of", "examples_in", "knowledge_of_verifier"]

_NAME = r"[A-Za-z_]\w*"
_IN_TEXT = re.compile(rf"\bfrom\s+solution\s+import\s+({_NAME})|\bsolution\.({_NAME})\s*\(|\bmodule\.({_NAME})\s*\(")
_LOADERS = {"exec", "run_path", "import_module", "module_from_spec", "load_module", "__import__"}
_NO_ENTRY = {"__name__", "__file__", "__builtins__", "__doc__"}
_ARROW = re.compile(r"\s*(?:==|->|=>|→|returns?|gives?|is|#)\s*")


def knowledge_of_verifier(
    source: str, task: str = "", entry_point: str | None = None, reference: str | None = None
) -> Knowledge:
    """Return what an attacker knows: the task's text, and the names in the verifier's source.

    Its literals are not used: a verifier whose only fault is that its tests are few is not called exploitable
    because an attacker who reads them could answer them.

    Raises:
        ConfigError: If no entry point is given and none is found.
    """
    tree = _parsed(source)
    name = entry_point or entry_point_of(source, task)
    if not name.isidentifier():
        raise ConfigError(f"--entry-point must be a Python name, got {name!r}")
    return Knowledge(
        entry_point=name,
        prompt=task,
        examples=examples_in(task, name),
        files=file_names("\n".join(node.value for node in ast.walk(tree) if _is_text(node))),  # type: ignore[attr-defined]
        helpers=tuple(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)),
        tests=tuple(dict.fromkeys(re.findall(r"\btest_\w+", source))),
        reference=reference,
    )


def entry_point_of(source: str, task: str = "") -> str:
    """Return the name of the function a verifier takes from a solution.

    Raises:
        ConfigError: If it isn't to be found.

    Example:
        >>> entry_point_of("import sys; ns = {}; exec(open(sys.argv[1]).read(), ns); print(ns['add'](1, 2) == 3)")
        'add'
    """
    votes: Counter[str] = Counter()
    tree = _parsed(source)
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for name, weight in _mentions(tree):
        if name.isidentifier() and name not in _NO_ENTRY:
            votes[name] += weight
    for name in re.findall(rf"`({_NAME})\s*\(", task) + re.findall(rf"\bdef\s+({_NAME})", task):
        votes[name] += 3
    for name in defined:
        votes.pop(name, None)
    if not votes:
        raise ConfigError("the verifier's source doesn't say which function it calls: name it with --entry-point")
    return votes.most_common(1)[0][0]


def _mentions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield names that may be the entry point, with weights."""
    modules = {"solution", "module", "mod", "candidate", "submission"}
    spaces = {"namespace", "ns", "scope", "env", "globals_", "names", "loaded"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.targets[0], ast.Name):
            called = node.value.func
            if (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) in _LOADERS:
                modules.add(node.targets[0].id)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "exec" and len(node.args) > 1:
            spaces.add(getattr(node.args[1], "id", ""))
    bound = _undefined_calls(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in modules:
            yield from ((alias.name, 5) for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "getattr" and len(node.args) > 1:
            yield from ((each.value, 5) for each in node.args[1:2] if _is_text(each))  # type: ignore[attr-defined]
        elif isinstance(node, ast.Subscript) and _is_text(node.slice):
            weight = 5 if getattr(node.value, "id", "") in spaces else 0
            yield from [(node.slice.value, weight)] if weight else []  # type: ignore[attr-defined]
        elif isinstance(node, ast.Attribute) and getattr(node.value, "id", "") in modules:
            yield node.attr, 4
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            if getattr(node.func.value, "id", "") in spaces and node.args and _is_text(node.args[0]):
                yield node.args[0].value, 5  # type: ignore[attr-defined]
        elif _is_text(node):
            for found in _IN_TEXT.findall(node.value):  # type: ignore[attr-defined]
                yield next(filter(None, found)), 4
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in bound:
            yield node.func.id, 2  # type: ignore[attr-defined]


def _undefined_calls(tree: ast.Module) -> set[str]:
    """Return names that are called and nowhere bound: defined by what was exec'ed."""
    import builtins

    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return called - bound - set(dir(builtins))


def examples_in(text: str, entry_point: str) -> tuple[Example, ...]:
    """Return the calls with answers in a text, as tasks write them.

    Example:
        >>> examples_in("add(1, 2) == 3, and `add(0, 0)` returns `0`.", "add")
        (Example(key='[1,2]', expected='3'), Example(key='[0,0]', expected='0'))
    """
    found = {}
    for match in re.finditer(rf"\b{re.escape(entry_point)}\(", text):
        call, rest = _call_at(text, match.start())
        arrow = _ARROW.match(rest) if call is not None else None
        doctest = call is not None and text[: match.start()].endswith(">>> ")
        answer = _literal_at(rest[arrow.end() :] if arrow else rest.lstrip("\n ")) if arrow or doctest else None
        if call is not None and answer is not None:
            found[call] = answer
    return tuple(Example(key, expected) for key, expected in found.items())


def _call_at(text: str, start: int) -> tuple[str | None, str]:
    """Return the key of the call that starts there, and the text after it."""
    for end in (at + 1 for at in range(start, min(len(text), start + 2000)) if text[at] == ")"):
        try:
            call = parse_expression(text[start:end])
            arguments = [*call.args, *(each.value for each in call.keywords)]  # type: ignore[attr-defined]
            return key_of([ast.literal_eval(each) for each in arguments]), text[end:].lstrip("`")
        except SyntaxError:
            continue
        except (ValueError, AttributeError):
            return None, ""
    return None, ""


def _literal_at(text: str) -> str | None:
    """Return the literal a text starts with, as far as it goes."""
    line = text.lstrip("` ").partition("\n")[0]
    for end in range(len(line), 0, -1):
        if line[:end].rstrip().endswith(","):  # of the sentence, not of a tuple
            continue
        try:
            return literal(ast.literal_eval(line[:end].strip()))
        except (ValueError, SyntaxError):
            continue
    return None


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _parsed(source: str) -> ast.Module:
    try:
        return parse(source)
    except SyntaxError as error:
        raise ConfigError(f"the verifier is not valid Python: {error}") from error
