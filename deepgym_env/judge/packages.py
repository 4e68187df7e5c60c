"""Packages in the sandboxes that suites of tests run in.

- :func:`missing_packages`: those of some that aren't there; :data:`FOLDER`: asks for a folder to write to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from deepgym_env.judge.base import Sandboxes
from deepgym_env.judge.call import CallJudge, Hearing
from deepgym_env.result import CaseResult
from deepgym_env.sandbox.runner import codec
from deepgym_env.task import Call, Limits, Task, TestCase

__all__ = ["FOLDER", "missing_packages"]

FOLDER = "/tmp"
_LOOK = """
def missing(names):
    import importlib.util
    return [name for name in names if not (is_writable(name) if name[0] == "/" else importlib.util.find_spec(name))]

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
        SandboxError: If a sandbox failed.
    """
    known = _known.setdefault(sandboxes, {})
    unknown = [name for name in names if name not in known]
    if unknown:
        test = TestCase(id="missing", public=True, calls=(Call(args=(unknown,)),))
        task = Task(id="packages", title="", prompt="", entry_point="missing", limits=_LIMITS, tests=(test,))
        hearing = _Hearing(CallJudge(task), _LOOK)
        await hearing.hold(sandboxes, suites=True)
        known.update((name, name not in hearing.missing) for name in unknown)
    return [name for name in names if not known[name]]


class _Hearing(Hearing):
    """Hears which are missing, of code of our own."""

    missing: tuple[str, ...] = ()

    def _weigh(self, question: Any, outcomes: list[tuple[int, bytes]], printed: bytes) -> CaseResult:
        self.missing = tuple(codec.build(codec.parse(outcomes[0][1].decode())))
        return super()._weigh(question, outcomes, printed)
