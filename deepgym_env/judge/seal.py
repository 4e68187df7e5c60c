"""Tells whether what tests stand on is still as it was before the submission: runs in its process.

What functions are made of is for the guard (:mod:`deepgym_env.judge.guard`) to protect.

Its source runs before the submission (Python 3.8+, stdlib only).

- :func:`make_seal_`: remembers modules, classes and functions as they are now.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Sequence, Tuple

__all__ = ["make_seal_"]


def make_seal_(core: Sequence[str], others: Sequence[str]) -> Tuple[Callable[[], str], Callable[[], None], Any]:
    """Return ``broken()``, ``mend()`` and ``add(class)``.

    ``broken()`` names what of the modules ``core`` is no longer what it was, or says nothing. ``mend()`` puts
    back what is missing of the modules ``others``. ``add`` has a class of the suite watched as well.
    """
    import sys
    import types

    # By their type, never isinstance(): what stands for something else (Django's settings) runs code when asked.
    functions = (types.FunctionType, types.BuiltinFunctionType, type, types.MethodDescriptorType)
    wrapped = (classmethod, staticmethod, property)
    missing = object()
    set_by_unittest = ("_classSetupFailed", "_class_cleanups", "tearDown_exceptions")
    modules = sys.modules
    known: Dict[str, Any] = {}
    spaces: List[Tuple[str, Any, Dict[str, Any]]] = []
    added: List[Tuple[str, Any, Any]] = []
    of_tests = frozenset(name for made in modules["unittest"].IsolatedAsyncioTestCase.__mro__ for name in vars(made))

    def remember(name: str, space: Any) -> None:
        kept = {key: value for key, value in space.items() if issubclass(type(value), functions + wrapped)}
        spaces.append((name, space, kept))

    def watch_class(made: type) -> None:
        remember(made.__name__, vars(made))
        added.append((made.__name__, vars(made), frozenset(vars(made))))

    for name in core:
        module = known[name] = modules[name]
        remember(name, vars(module))
        for made in list(vars(module).values()):
            if isinstance(made, type) and made.__module__ == name and name != "builtins":
                remember("%s.%s" % (name, made.__name__), vars(made))
    copies = {name: (modules[name], dict(vars(modules[name]))) for name in others if name in modules}

    def broken() -> str:
        for name, module in known.items():
            if modules.get(name) is not module:
                return "the module %s" % name
        for name, space, kept in spaces:
            for key, value in kept.items():
                if space.get(key, missing) is not value:
                    return "%s.%s" % (name, key)
        for name, space, before in added:  # what hides a method of unittest's
            for key in space:
                if key in of_tests and key not in before and key not in set_by_unittest:
                    return "%s.%s" % (name, key)
        return ""

    def mend() -> None:
        for name, (module, copy) in copies.items():
            modules[name] = module
            for key, value in copy.items():
                if issubclass(type(value), functions) and vars(module).get(key, missing) is not value:
                    vars(module)[key] = value

    return broken, mend, watch_class
