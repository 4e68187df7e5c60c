"""What test code that others wrote runs with, in a process where no line of the submission's runs.

The names it takes from the submission are bound to :class:`~deepgym_env.sandbox.runner.remote.Remote` objects. Its
source runs behind that of :mod:`~deepgym_env.sandbox.runner.remote` and before the tests, in a sandbox, so it imports
the standard library only (Python 3.8+).

- :func:`judge_`: runs one test.
"""

from __future__ import annotations

import random
import sys
from typing import Any, Callable, Dict, Tuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from deepgym_env.sandbox.runner.remote import Link, Remote

__all__ = ["judge_"]


def _bind(space: Dict[str, Any], link: Link, name: str) -> None:
    """Give a test what the submission calls so, if it does."""
    try:
        space[name] = link.use("this", name, [])
    except AttributeError:
        pass


def judge_(name: str, ask: Callable[..., Any]) -> Tuple[str, str, str]:
    """Run one test; return what came of it, a message, and what the last call returned."""
    told: Any = sys.modules["solution"]
    ask("begin")
    link = Link(ask)
    random.seed("%s:%s" % (told.SEED_, name))
    space: Dict[str, Any] = {"__name__": "test"}
    try:
        exec(compile(told.PRELUDE_, "prelude.py", "exec", dont_inherit=True), space)
        link.classes = {key: made for key, made in space.items() if isinstance(made, type)}
        exec(compile(told.SUPPORT_, "support.py", "exec", dont_inherit=True), space)
        space["candidate"] = space[told.ENTRY_] = Remote(link, told.ENTRY_)
        for wanted in told.NAMES_[name]:
            if wanted not in space:  # else it came with `from ... import *`
                _bind(space, link, wanted)
        exec(compile(told.TESTS_[name], "test.py", "exec", dont_inherit=True), space)
        outcome = "passed", "", link.returned
    except BaseException as error:
        outcome = _failure(error, link.returned)
    return outcome if link.ended is None else ("ended", str(link.ended.args[0]), str(link.ended.args[1]))


def _failure(error: BaseException, returned: str) -> Tuple[str, str, str]:
    if isinstance(error, AssertionError):
        return "wrong_answer", str(error)[:1000] or "the assertion does not hold", returned
    own = getattr(error, "of_submission_", None)
    if own is not None:
        return "exception", str(own)[:1200], ""
    return "wrong_answer", ("%s: %s" % (type(error).__name__, error))[:1200], returned
