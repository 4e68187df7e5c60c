"""Calls a function of a file in a workspace: arguments come in as data, values go out as data.

Runs in a session as a command of its own, beside the agent's code and trusted no more than that:
whatever it prints is an answer for the judge to weigh, and nothing else.
"""

from __future__ import annotations

import os
import sys

from . import codec

TYPE_CHECKING = False
if TYPE_CHECKING:  # what typing costs to import, every call would pay
    from typing import Any, List

__all__ = ["main"]

_CAP = 1 << 22


def main() -> None:
    """Read a request from standard input; print one line ``=>answer`` per call."""
    file, function, calls = codec.build(codec.parse(sys.stdin.buffer.read().decode()))
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="surrogateescape")
    os.dup2(2, 1)  # what the code prints is no answer
    target = _find(file, function)
    for args, kwargs in calls:
        out.write("=>%s\n" % _answer(target, args, kwargs))
        out.flush()


def _find(file: str, function: str) -> Any:
    path = os.path.join("/workspace", file)
    sys.path[:0] = ["/workspace", os.path.dirname(path)]
    if "/box/lib" in sys.path:
        sys.path.remove("/box/lib")
    name = os.path.relpath(path, "/workspace")[: -len(".py")].replace("/", ".")
    if not os.path.isfile(path):
        raise FileNotFoundError("there is no file %s" % file)
    module = None if name in sys.modules else _import(name)
    if getattr(module, "__file__", None) != path:  # a name that something else goes by as well
        module = _import_file(name, path)
    target: Any = module
    for part in function.split("."):
        target = target() if isinstance(target, type) else target
        target = getattr(target, part)
    return target


def _import(name: str) -> Any:
    __import__(name)
    return sys.modules[name]


def _import_file(name: str, path: str) -> Any:
    """Import a file that is called like something else that can be imported."""
    import importlib.util

    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("%s is no Python file" % path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _answer(target: Any, args: List[Any], kwargs: Any) -> str:
    try:
        return str(codec.encode(["value", target(*args, **kwargs)], _CAP))
    except BaseException as error:
        try:
            message = str(error)[:1000]
        except BaseException:
            message = ""
        return str(codec.encode(["raised", [type(error).__name__, message]], _CAP))
