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

import asyncio
import dataclasses
import json
import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

from deepgym_env.judge.base import Sandboxes
from deepgym_env.judge.call import NONCE, CallJudge, Hearing, cause, claim, parts_of, printable
from deepgym_env.judge.compare import summarize
from deepgym_env.judge.names import foreign_names
from deepgym_env.judge.sources import source_of
from deepgym_env.result import CaseResult, RunResult, RunStatus
from deepgym_env.sandbox.execution import Ending, Forfeited, Job, Next
from deepgym_env.sandbox.process import Runner
from deepgym_env.sandbox.runner import codec
from deepgym_env.sandbox.runner.wire import ChildKind
from deepgym_env.task import AssertionTask, Call, Limits, Query, Task, TestCase

__all__ = ["AssertionJudge", "Examination"]

Runners = Callable[[], AbstractAsyncContextManager[Runner]]

_PROCESSES = 3
_PRINTED = 4000
_ASKED_BYTES = 1 << 28  # of one test's requests
_ANSWERED_BYTES = 1 << 26  # of one test's replies, and at least four of them
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
        self._task = task
        self._code = code
        self._runners = runners
        self._respondent: _Respondent | None = None
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
        self.printed = (self.printed + self._respondent.printed)[:_PRINTED]
        self._respondent.printed = b""
        return self._heed(event)

    async def _start(self) -> None:
        self._processes += 1
        self._respondent = _Respondent(self._task, self._code)
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


class _Respondent:
    """One process of the submission's, asked piece by piece."""

    def __init__(self, task: AssertionTask, code: str) -> None:
        loop = asyncio.get_running_loop()
        self.loaded: asyncio.Future[list[Any]] = loop.create_future()
        self.ending: Ending | None = None
        self.printed = b""
        self._task = task
        self._code = code
        self._heard = self.loaded  # what is waited for: the next thing it says, or its end
        self._said: asyncio.Future[bytes | Next] | None = None  # what it waits for
        self._nonce = ""
        self._asks = False  # it asks something itself, within an answer
        self._taken = 0  # bytes, in this test
        self._refusal: tuple[str, str] | None = None
        self._work: asyncio.Task[None] | None = None
        self._over: list[Any] | Exception | None = None

    @property
    def idle(self) -> bool:
        """Whether it has been asked nothing that it hasn't answered."""
        return self._said is not None and not self._said.done() and not self._asks

    def start(self, runners: Runners) -> None:
        """Start the process on a runner that is free."""
        self._work = asyncio.ensure_future(self._run(runners))

    async def _run(self, runners: Runners) -> None:
        try:
            async with runners() as runner:
                self.ending = await runner.execute(_job(self._task, self._code), self.take)
            status, text = self._refusal or cause(self.ending)
            self._over = ["ended" if self.loaded.done() else "refused", status, text]
        except Exception as error:
            self._over = error
        self._tell(self._over)

    async def exchange(self, text: str, begins: bool) -> list[Any]:
        """Ask, or answer what it asks; return what it says next, or its end."""
        self._heard = asyncio.get_running_loop().create_future()
        self._taken = 0 if begins else self._taken
        if self._over is not None:  # it ended while nobody asked
            self._tell(self._over)
        elif self._said is not None and not self._said.done():
            self._said.set_result(self._question(text, begins))
        return await self._heard

    def _question(self, text: str, begins: bool) -> bytes | Next:
        if self._asks:
            self._asks = False
            return codec.encode(text, 1 << 28).encode()
        self._nonce = secrets.token_hex(NONCE // 2)
        call = f"[{codec.encode([text, codec.Opaque(0)], 1 << 28)},{codec.encode({})}]"
        stage = f'{{"nonces":["{self._nonce}"],"tests":[[{call}]]}}'.encode()
        return Next(stage) if begins else stage

    async def finish(self) -> None:
        """Let it end by itself if it waits for a question, else have it killed."""
        if self._work is None:
            return
        if self._said is not None and self.idle:
            self._heard = asyncio.get_running_loop().create_future()
            self._said.set_result(b'{"nonces":[],"tests":[],"last":true}')
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._work), 1.0)
        self._work.cancel()
        with suppress(asyncio.CancelledError):
            await self._work

    def take(self, payload: bytes) -> Any:
        """Take what the process sends; return what will be the reply to it."""
        if self._refusal is not None:
            raise Forfeited
        self._taken += len(payload)
        try:
            event = self._read(payload[:1], payload[1:])
        except Exception as error:  # the payload is hostile: whatever it upsets is its own doing
            event = self._refusing("tampered", f"sent an answer that can't be read ({type(error).__name__})")
        if event is None:
            raise Forfeited
        self._said = asyncio.get_running_loop().create_future()
        self._tell(event)
        return self._said

    def _read(self, kind: bytes, body: bytes) -> list[Any] | None:
        if self._taken > max(_ANSWERED_BYTES, 8 * self._task.limits.output_bytes):
            return self._refusing("output_limit", "sent more than a test's answers may come to")
        if kind == ChildKind.LOADED and not self.loaded.done():
            return self._refusing(*claim(body, {"syntax_error"})) if body else ["loaded"]
        if kind == ChildKind.ANSWER and self._nonce and not self._asks and body[:NONCE] == self._nonce.encode():
            self._nonce = ""
            (outcome, data), (_, printed) = parts_of(body[NONCE:])
            self.printed = printed[:_PRINTED]
            return ["reply", _text(codec.parse(data.decode()))] if outcome == ord("V") else ["failed", *claim(data)]
        if kind == ChildKind.QUERY and self._nonce and not self._asks:
            self._asks = True
            (text,) = codec.parse(body[4:].decode())  # a list of one text: nothing hostile is built here
            return ["reply", _text(text)]
        return self._refusing("tampered", "sent an answer nobody asked for")

    def _refusing(self, status: str, error: str) -> list[Any] | None:
        """Note that nothing it sends counts any more; there is no event until it has ended."""
        self._refusal = (status, error)
        return None

    def _tell(self, event: list[Any] | Exception) -> None:
        if self._heard.done():
            return
        if isinstance(event, Exception):
            self._heard.set_exception(event)
            self._heard.exception()  # seen, if nobody waits any more
        else:
            self._heard.set_result(event)


def _text(text: Any) -> str:
    if type(text) is not str:
        raise ValueError("no text")
    return text


def _job(task: AssertionTask, code: str) -> Job:
    limits = task.limits
    exchanges = (len(task.tests) + 1) * limits.queries  # more, the examiner can't ask
    stage = {
        "code": code,
        "prelude": f"{task.prelude}\n\n{source_of('respondent')}\nrespond_ = make_respondent_()\n",
        "entry_point": "respond_",
        "defines": task.entry_point,
        "seed": task.seed % 2**32,
        "output_bytes": limits.output_bytes,
        "tests": exchanges,
    }
    return Job(
        stages=((0, json.dumps(stage).encode()),),
        answers=exchanges,
        cpu_seconds=limits.cpu_seconds,
        wall_seconds=limits.wall_seconds,
        memory_mb=limits.memory_mb,
        tmp_mb=limits.tmp_mb,
        threads=limits.threads,
        frame_bytes=2 * limits.output_bytes + 8192,
        queries=limits.queries,
        query_bytes=_ANSWERED_BYTES,
        interactive=True,
    )


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
                prelude=source_of("examiner"),
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
            stdout=self._examination.printed[:_PRINTED].decode("utf-8", "replace") if test.public else "",
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
