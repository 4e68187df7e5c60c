"""Sets up the proctor in a process where nothing else has run yet (Python 3.8+, stdlib only).

- :func:`enter_`: returns the function the judge asks.
"""

from __future__ import annotations

from typing import Any, Dict

__all__ = ["enter_"]


def enter_(sources: Dict[str, str], given: Dict[str, Any]) -> Any:
    """Run each source with built-ins of its own, out of the reach of what comes later."""
    import builtins
    import importlib
    import os
    import sys
    import unittest

    spaces: Dict[str, Dict[str, Any]] = {}
    for name, source in sources.items():
        file = "proctor.py"
        spaces[name] = {"__builtins__": dict(vars(builtins)), "__name__": name, "__unittest": True}
        exec(compile(source, file, "exec", dont_inherit=True), spaces[name])
    for name in given["imports"]:
        try:
            importlib.import_module(name)
        except ImportError:
            pass  # it may be the submission's, or be caught where it is imported
    folders = tuple(os.path.join(path, "") for path in sys.path if path)
    wrap = spaces["probe"]["wrap_assertions_"]
    shown: Any = builtins
    shown.checked_ = wrap(unittest.TestCase, lambda file: file.startswith((*folders, "<frozen ")))
    home, proctor = os.getcwd(), spaces["proctor"]
    given["suite_files"] = [os.path.join(home, name, "test_%s.py" % name) for name in given["names"]]
    if "host" in spaces:
        framework = spaces["host"]["make_host_"](given, proctor["make_case_runner_"]())
    else:
        framework = proctor["make_unittest_"](given)
    made = proctor["make_proctor_"](given, spaces["seal"]["make_seal_"], framework)
    hidden = [os.path.join(home, path) for path in given["hidden"]]
    own = ("proctor.py", "prelude.py", proctor["SUITE_FILE"], *given["suite_files"], *hidden)
    spaces["guard"]["make_guard_"](folders, own)
    return made
