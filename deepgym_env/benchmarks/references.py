"""What reference solutions answer, where a benchmark publishes inputs only.

- :class:`Referee`: asks a reference solution in the sandbox, once: answers are kept on disk.

Nothing of a benchmark's code runs in this process.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepgym_env.benchmarks.compression import compress, decompress
from deepgym_env.benchmarks.home import write_atomically
from deepgym_env.errors import SandboxError, TaskError
from deepgym_env.sandbox.runner import codec
from deepgym_env.task import Call, Comparison, Limits, Task, TestCase

if TYPE_CHECKING:
    from deepgym_env.blocking import DeepGym

__all__ = ["Answers", "Referee", "ReferenceFailed"]

_LIMITS = Limits(cpu_seconds=60.0, wall_seconds=10.0, memory_mb=4096, output_bytes=1 << 26)


class ReferenceFailed(TaskError):
    """A reference solution gives no answer to an input."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a reference solution answered.

    Attributes:
        values: One per call, in order.
        cpu_seconds: What all of them cost.
    """

    values: tuple[Any, ...]
    cpu_seconds: float


class Referee:
    """Asks reference solutions.

    Example:
        >>> from deepgym_env import DeepGym
        >>> with DeepGym(workers=1) as dg:
        ...     Referee(dg).ask("def f(x): return {x, 1}", "f", [Call(args=(2,)), Call(args=(1,))]).values
        ({1, 2}, {1})
    """

    def __init__(self, engine: DeepGym, cache: Path | None = None) -> None:
        """Ask by means of ``engine``; keep answers below ``cache``, if given."""
        self._engine = engine
        self._cache = cache

    def ask(self, code: str, entry_point: str, calls: Sequence[Call], limits: Limits = _LIMITS) -> Answers:
        """Return what ``code`` answers to the calls.

        Raises:
            ReferenceFailed: If it has no answer to one of them, within the limits.
            SandboxError: If the sandbox failed.
        """
        questions = [(list(call.args), dict(call.kwargs), call.view) for call in calls]
        text = codec.encode([code, entry_point, questions], 1 << 30, in_order=True)
        file = self._cache / f"{hashlib.sha256(text.encode()).hexdigest()}.z" if self._cache else None
        kept = _read(file, len(calls))
        if kept is not None:
            return kept
        answers = self._run(code, entry_point, calls, limits)
        if file is not None:
            data = codec.encode([answers.cpu_seconds, list(answers.values)], 1 << 30, in_order=True)
            write_atomically(file, compress(data.encode()))
        return answers

    def _run(self, code: str, entry_point: str, calls: Sequence[Call], limits: Limits) -> Answers:
        values: dict[int, Any] = {}

        def keep(args: tuple[Any, ...], number: int, value: Any) -> bool:
            values[number] = value
            return True

        tests = tuple(
            TestCase(
                id=f"call_{number}", calls=(Call(args=call.args, kwargs=call.kwargs, view=call.view, expected=number),)
            )
            for number, call in enumerate(calls)
        )
        task = Task(
            id="reference",
            title="",
            prompt="",
            entry_point=entry_point,
            tests=tests,
            limits=limits,
            comparison=Comparison(kind="checker"),
            check=keep,
        )
        result = self._engine.run(task, code)
        if not result.has_verdict:
            raise SandboxError(result.details)
        if not result.passed:
            case = next(case for case in result.cases if not case.passed)
            raise ReferenceFailed(f"its own solution ends in {case.status} at input {case.id.partition('_')[2]}")
        return Answers(tuple(values[number] for number in range(len(calls))), result.timing.cpu_seconds)


def _read(file: Path | None, count: int) -> Answers | None:
    """Return answers kept before; None if there are none that can be read."""
    if file is None or not file.exists():
        return None
    try:
        cpu_seconds, values = codec.build(json.loads(decompress(file.read_bytes())))
        return Answers(tuple(values), float(cpu_seconds)) if len(values) == count else None
    except (OSError, ValueError, TypeError):
        return None
