"""Verdicts on programs that environments with a finite set of programs ask for again and again.

- :class:`Request`: a program and the task it is for.
- :class:`Verdict`: what it came to, in numbers.
- :class:`Verdicts`: judges many at a time and remembers; :func:`verdicts_of`: those of an engine.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from deepgym_env.blocking import DeepGym
from deepgym_env.engine import AsyncDeepGym
from deepgym_env.result import RunResult, RunStatus
from deepgym_env.task import SubmissionTask

__all__ = ["Request", "Verdict", "Verdicts", "verdicts_of"]

_Key = tuple[int, str]
_KEPT = 200_000  # programs: a few hundred bytes each


class Request(NamedTuple):
    """A program and the task it is for."""

    task: SubmissionTask
    code: str


class Verdict(NamedTuple):
    """What a program came to.

    Attributes:
        vector: Score of each test, float32 ``(n_tests,)``, read-only.
        raised: Which tests it answered with an exception, bool ``(n_tests,)``, read-only.
        slow: Which tests it used up its time on, the same.
        status: ``passed``, or what the first test that failed came to.
    """

    vector: npt.NDArray[np.float32]
    raised: npt.NDArray[np.bool_]
    slow: npt.NDArray[np.bool_]
    status: RunStatus

    @property
    def score(self) -> float:
        """Mean over the tests, 0..1."""
        return float(self.vector.mean(dtype=np.float64))

    @property
    def passed(self) -> bool:
        """Whether every test passed."""
        return self.status == "passed"


class Verdicts:
    """Judges programs in batches, each once; safe to share between threads.

    The same submission has the same verdict, so nothing is lost by remembering it. What has no verdict
    after an infrastructure failure is not remembered.

    Attributes:
        executed: How many programs were run.
    """

    def __init__(self, engine: DeepGym) -> None:
        """Judge with an engine."""
        self._engine = weakref.ref(engine)  # it keeps this, by verdicts_of
        self._known: OrderedDict[_Key, Verdict] = OrderedDict()
        self._tasks: dict[int, SubmissionTask] = {}  # held, so that their ids stay taken
        self._lock = threading.Lock()
        self.executed = 0

    def judge(self, requests: Sequence[Request]) -> list[Verdict | None]:
        """Return the verdict on each program, in order; None where there is none.

        What is not known yet runs at the same time, over the engine's pool of sandboxes.
        """
        found = self._look_up(requests)
        missing = {_key(request): request for request, verdict in zip(requests, found, strict=True) if verdict is None}
        if not missing:
            return found
        engine = self._engine()
        if engine is None:
            raise ReferenceError("the engine these verdicts are of is gone")
        self._tasks.update((id(request.task), request.task) for request in missing.values())
        new = dict(zip(missing, engine.call(lambda each: _judge(each, missing.values())), strict=True))
        self._remember(new)
        return [verdict or new[_key(request)] for request, verdict in zip(requests, found, strict=True)]

    def _look_up(self, requests: Iterable[Request]) -> list[Verdict | None]:
        with self._lock:
            return [self._known.get(_key(request)) for request in requests]

    def _remember(self, new: dict[_Key, Verdict | None]) -> None:
        with self._lock:
            self.executed += len(new)
            self._known.update((key, verdict) for key, verdict in new.items() if verdict is not None)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)


_of_engines: weakref.WeakKeyDictionary[DeepGym, Verdicts] = weakref.WeakKeyDictionary()
_making = threading.Lock()


def verdicts_of(engine: DeepGym) -> Verdicts:
    """Return what an engine's environments share."""
    with _making:
        return _of_engines.setdefault(engine, Verdicts(engine))


def _key(request: Request) -> _Key:
    return id(request.task), request.code


async def _judge(engine: AsyncDeepGym, requests: Iterable[Request]) -> list[Verdict | None]:
    requests = list(requests)
    groups: dict[int, list[int]] = {}
    for number, request in enumerate(requests):
        groups.setdefault(id(request.task), []).append(number)
    batches = await asyncio.gather(
        *(engine.run_batch(requests[of[0]].task, [requests[n].code for n in of]) for of in groups.values())
    )
    results: dict[int, RunResult] = {}
    for numbers, batch in zip(groups.values(), batches, strict=True):
        results.update(zip(numbers, batch, strict=True))
    return [_verdict(results[number]) for number in range(len(requests))]


def _verdict(result: RunResult) -> Verdict | None:
    if not result.has_verdict:
        return None
    raised = np.array([case.status == "exception" for case in result.cases])
    slow = np.array([case.status == "timeout" for case in result.cases])
    vector = result.vector
    for array in (vector, raised, slow):
        array.flags.writeable = False
    return Verdict(vector, raised, slow, result.status)
