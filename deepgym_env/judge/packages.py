"""Packages in the sandboxes that suites of tests run in.

- :func:`missing_packages`: those of some that aren't there; :data:`FOLDER`: asks for a folder to write to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from deepgym_env.errors import SandboxError
from deepgym_env.judge.base import Sandboxes
from deepgym_env.judge.call import CallJudge, Hearing
from deepgym_env.result import CaseResult
from deepgym_env.sandbox.runner import codec
from deepgym_env.task import Call, Limits, Task, TestCase

__all__ = ["FOLDER", "missing_packages"]

FOLDER = "/tmp"
_LOOK = """
def missing(names):
    return [name for name in names if not (is_writable(name) if name[0] == "/" else is_found(name))]

def is_found(name):
    import importlib.util
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False

def is_writable(folder):
    try:
        with open(folder + "/look", "w"):
            return True
    except OSError:
        return False
"""
_LIMITS = Limits(cpu_seconds=10.0, wall_seconds=10.0)
_known: WeakKeyDictionary[Sandboxes, dict[str, bool]] = WeakKeyDictionary()


async def missing_packages(names: Sequence[str], sandboxes: Sandboxes) -> list[str]:
    """Return the packages that can't be imported there; no submission has a say in it.

    Raises:
        SandboxError: If a sandbox failed, or didn't say.
    """
    known = _known.setdefault(sandboxes, {})
    unknown = [name for name in names if name not in known]
    if unknown:
        test = TestCase(id="missing", public=True, calls=(Call(args=(unknown,)),))
        task = Task(id="packages", title="", prompt="", entry_point="missing", limits=_LIMITS, tests=(test,))
        hearing = _Hearing(CallJudge(task), _LOOK)
        await hearing.hold(sandboxes, suites=True)
        if hearing.missing is None:
            raise SandboxError("the sandbox didn't say which packages it has")
        known.update((name, name not in hearing.missing) for name in unknown)
    return [name for name in names if not known[name]]


class _Hearing(Hearing):
    """Hears which are missing, of code of our own; None until it has said so."""

    missing: tuple[str, ...] | None = None

    def _weigh(self, question: Any, outcomes: list[tuple[int, bytes]], printed: bytes) -> CaseResult:
        kind, told = outcomes[0]
        if kind == ord("V"):
            self.missing = tuple(codec.build(codec.parse(told.decode())))
        return super()._weigh(question, outcomes, printed)
