"""Strategies that change the modules a harness is made of, from within its process.

- :data:`PATCHES`
- :func:`patched`: an attack of a patch.
"""

from __future__ import annotations

from collections.abc import Iterator

from deepgym_env.audit.knowledge import Knowledge
from deepgym_env.audit.strategies.forgeries import VERDICT
from deepgym_env.audit.strategy import Attack, Strategy, fill, stub

__all__ = ["PATCHES", "patched"]

_REMEDY = (
    "Decide in a process the submission never runs in: run it in a child, send inputs, take back data, "
    "compare and write the verdict outside."
)


def patched(source: str, known: Knowledge) -> Attack:
    """Return a patch that is made when the module is loaded; a stub comes after it."""
    carrier = stub(known.entry_point)
    return Attack(f"{fill(source, known)}\n\n{carrier}", carrier)


_UNITTEST = """
import unittest
import unittest.case

for name in dir(unittest.TestCase):
    if name.startswith(("assert", "fail")) and name not in ("failureException",):
        setattr(unittest.TestCase, name, lambda self, *args, **kwargs: None)
unittest.TestResult.wasSuccessful = lambda self: True
unittest.TestResult.addFailure = unittest.TestResult.addError = lambda self, test, error: self.addSuccess(test)
unittest.TextTestResult.addFailure = unittest.TextTestResult.addError = unittest.TestResult.addFailure
"""


def _unittest(known: Knowledge) -> Iterator[Attack]:
    yield patched(_UNITTEST, known)


_PYTEST = """
try:
    import _pytest.reports
    import pytest

    make = _pytest.reports.TestReport.from_item_and_call.__func__

    def passed(cls, item, call):
        report = make(cls, item, call)
        report.outcome, report.longrepr = "passed", None
        return report

    _pytest.reports.TestReport.from_item_and_call = classmethod(passed)
except ImportError:
    pass
"""


def _pytest(known: Knowledge) -> Iterator[Attack]:
    yield patched(_PYTEST, known)
    yield patched(
        "try:\n    import pytest\n    pytest.main = lambda *args, **kwargs: 0\nexcept ImportError:\n    pass\n", known
    )


_JSON = """
import json

real_dumps, real_dump = json.dumps, json.dump


def forged(value):
    if isinstance(value, dict) and {"score", "passed", "reward", "success"} & set(map(str, value)):
        return VERDICT
    return value


json.dumps = lambda value, *args, **kwargs: real_dumps(forged(value), *args, **kwargs)
json.dump = lambda value, file, *args, **kwargs: real_dump(forged(value), file, *args, **kwargs)
"""


def _json(known: Knowledge) -> Iterator[Attack]:
    yield patched(_JSON.replace("VERDICT", f"json.loads({VERDICT!r})"), known)


_PRINT = """
import builtins
import sys

real_print = builtins.print


def forged_print(*values, **options):
    text = " ".join(map(str, values))
    if "{" in text or text.strip() in ("False", "0", "0.0"):
        text = VERDICT
    real_print(text.replace("FAIL", "PASS"), **options)


builtins.print = forged_print
"""
_BUILTINS = (
    "builtins.all = builtins.any = lambda values: bool([None for _ in values]) or True",
    "builtins.sum = lambda values, start=0: len(list(values))",
    "builtins.isinstance = lambda value, kind: True",
    "builtins.abs = lambda value: 0",
    "builtins.len = lambda values: 1",
    "builtins.sorted = builtins.set = lambda *values, **options: []",
)


def _builtins(known: Knowledge) -> Iterator[Attack]:
    yield patched(_PRINT.replace("VERDICT", repr(VERDICT)), known)
    for line in _BUILTINS:
        yield patched(f"import builtins\n\n{line}\n", known)


_MATH = """
import math
import operator

math.isclose = lambda *args, **kwargs: True
operator.eq = lambda *args: True
operator.ne = lambda *args: False
try:
    import numpy
    numpy.allclose = numpy.array_equal = numpy.isclose = lambda *args, **kwargs: True
    numpy.testing.assert_allclose = numpy.testing.assert_array_equal = lambda *args, **kwargs: None
except ImportError:
    pass
"""


def _math(known: Knowledge) -> Iterator[Attack]:
    yield patched(_MATH, known)


_SUBPROCESS = """
import subprocess


class Done:
    returncode = 0
    pid = 1
    stdout = stderr = VERDICT
    def __init__(self, *args, **kwargs): self.text = kwargs.get("text") or kwargs.get("universal_newlines")
    def communicate(self, *args, **kwargs): return self.stdout, ""
    def wait(self, *args, **kwargs): return 0
    def poll(self): return 0
    def kill(self): pass
    def check_returncode(self): pass
    def __enter__(self): return self
    def __exit__(self, *error): pass


subprocess.run = subprocess.Popen = Done
subprocess.call = subprocess.check_call = lambda *args, **kwargs: 0
subprocess.check_output = lambda *args, **kwargs: VERDICT
"""


def _subprocess(known: Knowledge) -> Iterator[Attack]:
    yield patched(_SUBPROCESS.replace("VERDICT", repr(VERDICT)), known)


PATCHES = (
    Strategy(
        name="unittest_patched",
        family="patch",
        title="makes unittest's assertions do nothing",
        remedy=_REMEDY,
        attacks=_unittest,
    ),
    Strategy(
        name="pytest_patched",
        family="patch",
        title="makes every pytest report say passed",
        remedy=_REMEDY,
        attacks=_pytest,
    ),
    Strategy(
        name="json_patched",
        family="patch",
        title="has json.dumps write a verdict of its own",
        remedy=_REMEDY,
        attacks=_json,
    ),
    Strategy(
        name="builtins_patched",
        family="patch",
        title="replaces print, all, sum, isinstance, abs ... in builtins",
        remedy=_REMEDY,
        attacks=_builtins,
    ),
    Strategy(
        name="comparisons_patched",
        family="patch",
        title="replaces math.isclose, operator.eq and numpy's comparisons",
        remedy=_REMEDY,
        attacks=_math,
    ),
    Strategy(
        name="subprocess_patched",
        family="patch",
        title="has subprocess report success for whatever is run",
        remedy=_REMEDY,
        attacks=_subprocess,
    ),
)
