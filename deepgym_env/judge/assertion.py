"""The judge of ``program`` tests: code that others wrote, such as HumanEval's ``check(candidate)``.

Two processes, neither of which is this one. The *examiner* runs the tests and never sees a line of the
submission. The *respondent* runs the submission and never sees a test. Where a test uses something of
the submission's, the examiner asks, and what it is answered crosses as data:

- Arguments, values, exceptions, and Python's own types and functions cross; arguments that the
  submission changes are changed in the test.
- Functions of the test can be passed as arguments: a call of one crosses back.
- Generators, classes and objects of the submission's stay there: the test holds a reference that can be
  called, read, iterated over, measured and shown, but is equal to nothing and has no truth value.
- Of Python's own, what runs text or reaches files is called where it is used by name: ``eval`` as an
  argument runs there, and as an answer it stays there. A test that itself evaluates an answer
  (``eval(f(x)) == 24``) lets the submission in: don't write one.
- What crosses is a copy: ``is`` holds of nothing that has crossed. Objects of classes that the test
  defines can't be passed, unless the task's prelude defines them on both sides.

- :class:`AssertionJudge`: a task's tests.
- :class:`Examination`: one submission's process, and what it is asked.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from deepgym_env.judge import examiner
from deepgym_env.judge.base import Sandboxes
from deepgym_env.judge.call import CallJudge, Hearing, claim, printable
from deepgym_env.judge.compare import summarize
from deepgym_env.judge.names import foreign_names
from deepgym_env.judge.sources import source_of
from deepgym_env.judge.submission_process import PRINTED, Runners, Subject, SubmissionProcess
from deepgym_env.result import CaseResult, RunResult, RunStatus
from deepgym_env.sandbox.execution import Job
from deepgym_env.sandbox.runner import codec, remote
from deepgym_env.task import AssertionTask, Call, Limits, Query, Task, TestCase

__all__ = ["AssertionJudge", "Examination"]

_PROCESSES = 3
_ASKED_BYTES = 1 << 28  # of one test's requests
_EXAMINER = Limits(cpu_seconds=10.0, wall_seconds=60.0, memory_mb=1024, output_bytes=1 << 26)


class AssertionJudge:
    """A task's tests.

    Example:
        >>> from deepgym_env.task import CodeTest
        >>> test = CodeTest(id="two", code="assert double(2) == 4")
        >>> task = AssertionTask(id="t", title="T", prompt="", entry_point="double", tests=(test,))
        >>> AssertionJudge(task).task.tests[0].id
        'two'
    """

    def __init__(self, task: AssertionTask) -> None:
        """Prepare the examiner's source."""
        self.task = task
        names = {
            test.id: foreign_names(test.code, f"{task.prelude}\n{task.support}", task.entry_point)
            for test in task.tests
        }
        self.source = "\n".join(
            [
                f"PRELUDE_ = {task.prelude!r}",
                f"SUPPORT_ = {task.support!r}",
                f"ENTRY_ = {task.entry_point!r}",
                f"SEED_ = {task.seed!r}",
                f"TESTS_ = { ({test.id: test.code for test in task.tests})!r}",
                f"NAMES_ = {names!r}",
            ]
        )

    async def judge(self, code: str, sandboxes: Sandboxes) -> RunResult:
        """Return the verdict on ``code``."""
        async with Examination(self.task, code, sandboxes.runner) as examination:
            hearing = _AssertionHearing(_Questions(self.task, Query(examination)), self.source, examination)
            if examination.refused is None:
                await hearing.hold(sandboxes, waits=True)
        return hearing.verdict()


class Examination:
    """Asks one submission what the examiner wants to know; use as a context manager."""

    def __init__(self, task: AssertionTask, code: str, runners: Runners) -> None:
        """Start nothing yet."""
        self._subject = Subject(code, task.limits, task.seed, task.prelude, task.entry_point, len(task.tests))
        self._runners = runners
        self._respondent: SubmissionProcess | None = None
        self._begins = False
        self._processes = 0
        self.refused: tuple[RunStatus, str] | None = None  # why no test counts
        self.printed = b""  # by the submission, in this test
        self.cpu_seconds = 0.0
        self.peak_kb = 0

    async def __call__(self, kind: str = "", text: str = "") -> list[Any]:
        """Answer the examiner: ``["ok"]``, ``["reply", text]``, or why there is no reply.

        That is ``["failed", status, error]``, or ``["ended", status, error]`` if the process has ended.

        Raises:
            SandboxError: If the sandbox was lost, which is no verdict.
        """
        if kind == "begin":
            self._begins = True
            self.printed = b""
            if self._respondent is not None and not self._respondent.idle:  # the test before left it there
                await self._leave()
            return ["ok"]
        if self.refused is None and self._respondent is None:
            if self._processes == _PROCESSES:
                return ["ended", "not_run", "too many tests before it ended their process"]
            await self._start()
        if self.refused is not None or self._respondent is None:
            return ["ended", "not_run", self.refused[1] if self.refused else ""]
        begins, self._begins = self._begins, False
        event = await self._respondent.exchange(text, begins)
        self.printed = (self.printed + self._respondent.printed)[:PRINTED]
        self._respondent.printed = b""
        return self._heed(event)

    async def _start(self) -> None:
        self._processes += 1
        self._respondent = SubmissionProcess(self._subject)
        self._respondent.start(self._runners)
        self._heed(await self._respondent.loaded)

    def _heed(self, event: list[Any]) -> list[Any]:
        """Note what an event means for those to come."""
        if event[0] in ("refused", "ended"):
            self._account()
            self._respondent = None
        if event[0] == "refused" or (event[0] == "ended" and event[1] == "tampered"):
            self.refused = (event[1], event[2])
            return ["ended", "tampered" if event[1] == "tampered" else "not_run", event[2]]
        return event

    def _account(self) -> None:
        ending = self._respondent.ending if self._respondent else None
        if ending is not None:
            self.cpu_seconds += ending.cpu_seconds
            self.peak_kb = max(self.peak_kb, ending.peak_kb)

    async def __aenter__(self) -> Examination:
        """Load the submission."""
        try:
            await self._start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        """End its process."""
        await self._leave()

    async def _leave(self) -> None:
        if self._respondent is not None:
            await self._respondent.finish()
            self._account()
            self._respondent = None


class _Questions(CallJudge):
    """The tests as questions to the examiner."""

    def __init__(self, task: AssertionTask, ask: Query) -> None:
        self.code_tests = {test.id: test for test in task.tests}
        super().__init__(
            Task(
                id=task.id,
                title=task.title,
                prompt=task.prompt,
                entry_point="judge_",
                tests=tuple(
                    TestCase(id=test.id, public=test.public, calls=(Call(args=(test.id, ask)),)) for test in task.tests
                ),
                limits=_EXAMINER.model_copy(update={"queries": task.limits.queries}),
                prelude=source_of(remote, examiner),
                seed=task.seed,
            )
        )

    def job(self, code: str, first: int, nonces: Sequence[str]) -> Job:
        """Return the questions, with room for what the tests pass to the submission."""
        return dataclasses.replace(super().job(code, first, nonces), query_bytes=_ASKED_BYTES)


class _AssertionHearing(Hearing):
    """The examiner before the judge: it says of each test whether it passed, and is believed."""

    def __init__(self, judge: _Questions, code: str, examination: Examination) -> None:
        super().__init__(judge, code)
        self._tests = judge.code_tests
        self._examination = examination

    def _weigh(self, question: Any, outcomes: list[tuple[int, bytes]], printed: bytes) -> CaseResult:
        kind, data = outcomes[0]
        if kind != ord("V"):
            return self._told(question.test.id, "exception", f"the test itself failed: {claim(data)[1]}", "")
        told = codec.build(codec.parse(data.decode()))
        if told[0] == "ended":
            return self._told(question.test.id, told[1], told[2], "")
        return self._told(question.test.id, *told)

    def _told(self, test_id: str, status: Any, message: str, returned: str) -> CaseResult:
        test = self._tests[test_id]
        return CaseResult(
            id=test.id,
            passed=status == "passed",
            score=float(status == "passed"),
            status=status,
            public=test.public,
            input_summary=_shortened(test.code) if test.public else "",
            output_summary=_value_of(returned) if test.public and returned else "",
            stdout=self._examination.printed[:PRINTED].decode("utf-8", "replace") if test.public else "",
            error=printable(message) if test.public else "",
        )

    def verdict(self) -> RunResult:
        """Return the result; the submission's process counts, the examiner's doesn't."""
        if self._examination.refused is not None:
            self._refused = self._examination.refused
        self._cpu_seconds, self._peak_kb = self._examination.cpu_seconds, self._examination.peak_kb
        return super().verdict()


def _value_of(reply: str) -> str:
    """Return what a call returned, as a person reads it."""
    return summarize(json.dumps(codec.parse(reply)[1]).encode())


def _shortened(code: str) -> str:
    text = code.strip()
    return text if len(text) <= 300 else f"{text[:299]}…"
