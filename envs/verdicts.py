"""Verdicts on programs that environments with a finite set of programs ask for again and again.

- :class:`Request`: a program and the task it is for.
- :class:`Verdict`: what it came to, in numbers.
- :class:`Verdicts`: judges many at a time and remembers; :func:`verdicts_of`: those of an engine.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from deepgym_env.blocking import DeepGym
from deepgym_env.result import CaseStatus, RunResult, RunStatus
from deepgym_env.task import SubmissionTask

__all__ = ["Request", "Verdict", "Verdicts", "verdicts_of"]

_Key = tuple[int, str]
_KEPT = 50_000  # programs, of a kilobyte or so each


class Request(NamedTuple):
    """A program and the task it is for."""

    task: SubmissionTask
    code: str


class Verdict(NamedTuple):
    """What a program came to.

    Attributes:
        vector: Score of each test, float32 ``(n_tests,)``, read-only.
        statuses: What each test came to.
        status: ``passed``, or what the first test that failed came to.
    """

    vector: npt.NDArray[np.float32]
    statuses: tuple[CaseStatus, ...]
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
        executed: How many programs were run and got a verdict.
    """

    def __init__(self, engine: DeepGym) -> None:
        """Judge with an engine."""
        self._engine = weakref.ref(engine)  # it keeps this, by verdicts_of
        self._known: dict[_Key, Verdict] = {}  # the oldest first
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
        results = engine.run_many(list(missing.values()))
        new = {key: _verdict(result) for key, result in zip(missing, results, strict=True) if result.has_verdict}
        self._remember(new)
        return [verdict or new.get(_key(request)) for request, verdict in zip(requests, found, strict=True)]

    def renew_lock(self) -> None:
        """Forget, in a forked child, who held the lock: that thread is not there."""
        self._lock = threading.Lock()

    def _look_up(self, requests: Iterable[Request]) -> list[Verdict | None]:
        with self._lock:
            return [self._known.get(_key(request)) for request in requests]

    def _remember(self, new: dict[_Key, Verdict]) -> None:
        with self._lock:
            self.executed += len(new)
            self._known.update(new)
            while len(self._known) > _KEPT:
                self._known.pop(next(iter(self._known)))


_of_engines: weakref.WeakKeyDictionary[DeepGym, Verdicts] = weakref.WeakKeyDictionary()
_making = threading.Lock()


def verdicts_of(engine: DeepGym) -> Verdicts:
    """Return what an engine's environments share."""
    with _making:
        verdicts = _of_engines.get(engine)
        if verdicts is None:
            verdicts = _of_engines[engine] = Verdicts(engine)
        return verdicts


def _after_fork() -> None:
    global _making
    _making = threading.Lock()
    for verdicts in _of_engines.values():
        verdicts.renew_lock()


os.register_at_fork(after_in_child=_after_fork)


def _key(request: Request) -> _Key:
    return id(request.task), request.code


def _verdict(result: RunResult) -> Verdict:
    vector = result.vector
    vector.flags.writeable = False
    return Verdict(vector, tuple(case.status for case in result.cases), result.status)
