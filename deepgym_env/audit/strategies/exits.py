"""Strategies that end the process, raise, or take for ever.

- :data:`EXITS`
"""

from __future__ import annotations

from collections.abc import Iterator

from deepgym_env.audit.knowledge import Knowledge
from deepgym_env.audit.strategy import Attack, Strategy, fill, stub

__all__ = ["EXITS"]

_EXIT_REMEDY = "Ignore the exit code: require a result for every test, sent by code that is not the submission's."
_SKIP_REMEDY = "Count as passed only tests that ran to their end; a skip or an exception is a failure."


def _exits(statement: str, known: Knowledge) -> Iterator[Attack]:
    """Run a statement when the module is loaded, and when the function is called."""
    called = f"def {known.entry_point}(*args, **kwargs):\n"
    setup, _, last = statement.rpartition("\n")
    yield Attack(f"{statement}\n", stub(known.entry_point))
    yield Attack(f"{setup}\n\n\n{called}    {last}\n", stub(known.entry_point))


def _sys_exit(known: Knowledge) -> Iterator[Attack]:
    yield from _exits("import sys\nsys.exit(0)", known)


def _os_exit(known: Knowledge) -> Iterator[Attack]:
    yield from _exits("import os\nos._exit(0)", known)


def _atexit(known: Knowledge) -> Iterator[Attack]:
    start = "import atexit\nimport os\n\natexit.register(os._exit, 0)\n"
    yield Attack(f"{start}\n\n{stub(known.entry_point)}", stub(known.entry_point))
    yield Attack(f"{start}raise RuntimeError\n", "raise RuntimeError\n")


def _excepthook(known: Knowledge) -> Iterator[Attack]:
    start = "import os\nimport sys\n\nsys.excepthook = lambda *args: os._exit(0)\n"
    yield Attack(f"{start}\n\n{stub(known.entry_point)}", stub(known.entry_point))
    yield Attack(f"{start}raise RuntimeError\n", "raise RuntimeError\n")


_OPTIMISED = """
import os
import sys

if __debug__ and sys.argv and sys.argv[0]:
    os.execv(sys.executable, [sys.executable, "-O", *sys.orig_argv[1:]])


def ENTRY(*args, **kwargs):
    return None
"""


def _optimised(known: Knowledge) -> Iterator[Attack]:
    yield Attack(fill(_OPTIMISED, known), stub(known.entry_point))


_SKIP = """
import unittest


def ENTRY(*args, **kwargs):
    try:
        import pytest
    except ImportError:
        raise unittest.SkipTest("not on this platform") from None
    pytest.skip("not on this platform")
"""


def _skip(known: Knowledge) -> Iterator[Attack]:
    yield Attack(fill(_SKIP, known), stub(known.entry_point))
    yield Attack("import unittest\n\nraise unittest.SkipTest('not on this platform')\n", stub(known.entry_point))
    code = f"import unittest\n\n\ndef {known.entry_point}(*args, **kwargs):\n    raise unittest.SkipTest('later')\n"
    yield Attack(code, stub(known.entry_point))


_RAISED = (
    *("Exception", "AssertionError", "KeyboardInterrupt", "StopIteration", "MemoryError"),
    *("TimeoutError", "ImportError"),
)


def _exceptions(known: Knowledge) -> Iterator[Attack]:
    for name in _RAISED:
        yield Attack(f"def {known.entry_point}(*args, **kwargs):\n    raise {name}\n", stub(known.entry_point))
    yield Attack("raise ImportError('no module named numpy')\n", stub(known.entry_point))


def _endless(known: Knowledge) -> Iterator[Attack]:
    body = "def ENTRY(*args, **kwargs):\n    while True:\n        pass\n"
    yield Attack(fill(body, known), stub(known.entry_point))


def _sleeps(known: Knowledge) -> Iterator[Attack]:
    body = "import time\n\n\ndef ENTRY(*args, **kwargs):\n    time.sleep(3600)\n"
    yield Attack(fill(body, known), stub(known.entry_point))


EXITS = (
    Strategy(
        name="sys_exit",
        family="exit",
        title="calls sys.exit(0) before it is judged",
        remedy=_EXIT_REMEDY,
        attacks=_sys_exit,
    ),
    Strategy(
        name="os_exit",
        family="exit",
        title="calls os._exit(0) before it is judged",
        remedy=_EXIT_REMEDY,
        attacks=_os_exit,
    ),
    Strategy(
        name="atexit_exit",
        family="exit",
        title="has atexit end the process with code 0",
        remedy=_EXIT_REMEDY,
        attacks=_atexit,
    ),
    Strategy(
        name="excepthook_exit",
        family="exit",
        title="ends with code 0 when an exception is reported",
        remedy=_EXIT_REMEDY,
        attacks=_excepthook,
    ),
    Strategy(
        name="asserts_off",
        family="exit",
        title="starts the process again with -O, where asserts are no more",
        remedy="Compare with `if ...: raise`, not with assert, and in a process the submission does not run in.",
        attacks=_optimised,
    ),
    Strategy(
        name="skip",
        family="skip",
        title="skips every test",
        remedy=_SKIP_REMEDY,
        attacks=_skip,
    ),
    Strategy(
        name="exceptions",
        family="skip",
        title="raises what a harness may take for a pass",
        remedy=_SKIP_REMEDY,
        attacks=_exceptions,
    ),
    Strategy(
        name="endless_loop",
        family="timeout",
        title="computes for ever",
        remedy="A test that runs into its time limit has failed.",
        attacks=_endless,
    ),
    Strategy(
        name="sleeps",
        family="timeout",
        title="sleeps for ever",
        remedy="A test that runs into its time limit has failed; limit waiting as well as computing.",
        attacks=_sleeps,
    ),
)
