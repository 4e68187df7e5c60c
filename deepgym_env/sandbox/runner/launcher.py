"""Starts a verifier in its sandbox.

With the arguments ``VERIFIER SOLUTION [TEST_CASES]`` it runs a Python verifier in this process: as a script, or,
where it is only the body of a function or defines ``verify`` (or ``verifier``) without ever calling it, as that
function, whose value is printed. With ``-- COMMAND...`` it starts one in another language.
"""

from __future__ import annotations

import ast
import json
import os
import random
import sys
import traceback
import types
from typing import Any, Dict, Iterator, List, NoReturn

from . import reach

__all__ = ["FAILED", "HELD_FALSE", "SUBMISSION_FAILED", "main"]

FAILED, HELD_FALSE, SUBMISSION_FAILED = 120, 121, 122  # exit codes; the last line of stderr says why
_SIGNATURE = "def verify(solution_path, test_cases_path=None): pass"
_FUNCTIONS = ("verify", "verifier")
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def main() -> None:
    """Start what the arguments name."""
    reach.note_stdout()
    if sys.argv[1] == "--":
        os.execvp(sys.argv[2], sys.argv[2:])
    sys.argv = sys.argv[1:]
    sys.path.remove("/box/lib")
    del sys.modules["runner"]  # the name is the verifier's
    sys.path[0] = os.path.dirname(sys.argv[0])
    random.seed(int(os.environ["DEEPGYM_SEED"]))
    try:
        _verify(sys.argv[0], sys.argv[1:])
    except SystemExit:
        raise
    except BaseException as error:
        _leave(error)


def _verify(path: str, given: List[str]) -> None:
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read(), path)
    function = _function_in(tree)
    module = types.ModuleType("__main__")
    module.__file__ = path
    sys.modules["__main__"] = module
    reach.verifies_in(module.__dict__)
    exec(compile(tree, path, "exec", dont_inherit=True), module.__dict__)
    if function:
        _tell(_call(module.__dict__[function], given))


def _function_in(tree: ast.Module) -> str:
    """Return the function that is to be called, made of the whole source where it is a body; else nothing."""
    if any(isinstance(node, ast.Return) for node in _outside_functions(tree)):
        wrapped = ast.parse(_SIGNATURE)
        body: Any = wrapped.body[0]
        body.body, tree.body = tree.body, wrapped.body
        return "verify"
    names = {node.id for node in _outside_functions(tree) if isinstance(node, ast.Name)}
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in _FUNCTIONS]
    return defined[-1] if defined and not names & {"__name__", defined[-1]} else ""


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, _SCOPES):
            yield from _outside_functions(child)


def _call(function: Any, given: List[str]) -> Any:
    code: Any = getattr(function, "__code__", None)
    takes_all = code is None or code.co_flags & 0x04  # *args
    return function(*(given if takes_all else given[: code.co_argcount]))


def _tell(value: Any) -> None:
    """Print what a function has returned, as a verdict."""
    if hasattr(value, "item") and getattr(value, "shape", None) == ():  # numpy's
        value = value.item()
    if not isinstance(value, (bool, int, float, dict)):
        raise TypeError("a verifier returns a bool, a number or a dict, this one %.200r" % (value,))
    print("\n" + json.dumps(value, default=_plain))


def _plain(value: Any) -> Any:
    return value.item() if getattr(value, "shape", None) == () else str(value)


def _leave(error: BaseException) -> NoReturn:
    """End with a code that says whose failure it is."""
    sys.stdout.flush()
    own: Dict[str, Any] = getattr(error, "__dict__", {})
    missed = reach.missed_in(error)
    if "of_submission_" in own or missed is not None:
        code, why = SUBMISSION_FAILED, str(own.get("of_submission_", "the code defines no %r" % missed))
    elif isinstance(error, AssertionError):
        code, why = HELD_FALSE, str(error) or _line_of(error)
    else:
        traceback.print_exc()
        code, why = FAILED, "%s: %s" % (type(error).__name__, error)
    sys.stderr.write("\n" + " ".join(why.split())[:1000] + "\n")
    sys.stderr.flush()
    os._exit(code)


def _line_of(error: BaseException) -> str:
    lines = [at for frame, at in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == sys.argv[0]]
    return "the assertion in line %d does not hold" % lines[-1] if lines else "an assertion does not hold"
