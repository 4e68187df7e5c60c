"""The judge of ``call`` tests: arguments go in, values come out, compared here.

- :class:`CallJudge`: a task's questions, encoded once and asked of every submission.
- :class:`Hearing`: one submission's run: what was asked, what came back, the verdict.

A hearing may take several processes: where a test kills its process (a time limit, a crash), the
tests after it are asked again in a fresh one, so that one bad test costs no other its verdict.

The process learns things in stages: first the code, then the public tests, then the hidden ones;
each stage once the one before is answered. Text of the submission's making (errors, prints) is
shown for the first two stages only, so no hidden input finds its way into feedback.
"""

from __future__ import annotations

import inspect
import json
import secrets
import signal
import struct
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from deepgym_env.errors import TaskError
from deepgym_env.judge.base import Sandboxes
from deepgym_env.judge.compare import Expected, matches, summarize
from deepgym_env.result import CaseResult, CaseStatus, RunResult, RunStatus, Timing
from deepgym_env.sandbox.execution import Ending, Forfeited, Job
from deepgym_env.sandbox.runner import codec
from deepgym_env.sandbox.runner.wire import ChildKind
from deepgym_env.task import Query, Task, TestCase

__all__ = ["NONCE", "CallJudge", "Hearing", "Reply", "cause", "claim", "parts_of", "printable"]

Reply = bytes | Awaitable[bytes] | None

_MAX_PROCESSES = 3
NONCE = 16
_PART = struct.Struct("<BI")
_VALUE, _ERROR, _OUTPUT = ord("V"), ord("E"), ord("O")
_CLAIMABLE: frozenset[str] = frozenset({"exception", "memory_limit", "output_limit"})
_KILLED_FOR: dict[str, tuple[CaseStatus, str]] = {
    "cpu": ("timeout", "used more CPU time than a test may"),
    "wall": ("timeout", "waited longer than a test may without computing"),
    "queries": ("timeout", "made more queries than a test may"),
    "output": ("output_limit", "sent a larger answer than a test may"),
    "protocol": ("tampered", "sent what is no answer to a question"),
}


@dataclass(slots=True)
class _Question:
    """One test, ready to be asked."""

    test: TestCase
    text: str
    expected: list[Expected]
    queries: list[Query] = field(default_factory=list)


class CallJudge:
    """A task's questions and right answers.

    Example:
        >>> from deepgym_env.catalog import load_task
        >>> judge = CallJudge(load_task("coin_change"))
        >>> hearing = judge.hear("def coin_change(coins, amount): return -1")
        >>> b"coin_change" in hearing.next_job().stages[0][1]
        True
    """

    def __init__(self, task: Task) -> None:
        """Encode the questions of ``task``.

        Raises:
            TaskError: If an argument or an expected value is no plain data.
        """
        self.task = task
        # Public tests are asked first; a verdict lists the cases in the task's order.
        self.questions = sorted(map(_prepare, task.tests), key=lambda question: not question.test.public)
        self.order = {test.id: number for number, test in enumerate(task.tests)}
        self._fixed = (
            f'"prelude":{json.dumps(task.prelude)},"entry_point":{json.dumps(task.entry_point)},'
            f'"seed":{task.seed % 2**32},"output_bytes":{task.limits.output_bytes}'
        )

    async def judge(self, code: str, sandboxes: Sandboxes) -> RunResult:
        """Return the verdict on ``code``."""
        hearing = self.hear(code)
        await hearing.hold(sandboxes)
        return hearing.verdict()

    def hear(self, code: str) -> Hearing:
        """Begin to judge ``code``."""
        return Hearing(self, code)

    def job(self, code: str, first: int, nonces: Sequence[str]) -> Job:
        """Return the questions from number ``first`` on, as a job for a sandbox."""
        questions = self.questions[first:]
        public = sum(question.test.public for question in questions)
        code_stage = f'{{"code":{json.dumps(code)},{self._fixed},"tests":{len(questions)}}}'
        stages = [(0, code_stage.encode())]
        for start, stop in ((0, public), (public, len(questions))):
            if start < stop:
                texts = ",".join(question.text for question in questions[start:stop])
                stage = f'{{"nonces":{json.dumps(nonces[start:stop])},"tests":[{texts}]}}'
                stages.append((1 + start, stage.encode()))
        limits = self.task.limits
        return Job(
            stages=tuple(stages),
            answers=len(questions) + 1,  # the first says that the code is loaded
            cpu_seconds=limits.cpu_seconds,
            wall_seconds=limits.wall_seconds,
            memory_mb=limits.memory_mb,
            tmp_mb=limits.tmp_mb,
            threads=limits.threads,
            frame_bytes=(limits.output_bytes + 8192) * max(len(q.expected) for q in questions),
            queries=limits.queries if any(q.queries for q in questions) else 0,
        )


def _prepare(test: TestCase) -> _Question:
    try:
        return _encode(test)
    except codec.CodecError as error:
        raise TaskError(f"test {test.id!r}: {error}; arguments and expected values must be plain data") from error


def _encode(test: TestCase) -> _Question:
    queries: list[Query] = []

    def shown(value: Any) -> Any:
        if not isinstance(value, Query):
            return value
        queries.append(value)
        return codec.Opaque(len(queries) - 1)

    calls = []
    for call in test.calls:
        args = codec.encode([shown(arg) for arg in call.args], 1 << 28, in_order=True)
        kwargs = codec.encode({name: shown(arg) for name, arg in call.kwargs.items()}, 1 << 28, in_order=True)
        calls.append(f'[{args},{kwargs},"{call.view}"]' if call.view else f"[{args},{kwargs}]")
    return _Question(test, f"[{','.join(calls)}]", [Expected(call.expected) for call in test.calls], queries)


class Hearing:
    """One submission before the judge. Feed it what its processes send, in order."""

    def __init__(self, judge: CallJudge, code: str) -> None:
        """Begin with nothing asked."""
        self._judge = judge
        self._code = code
        self._cases: list[CaseResult] = []
        self._nonces: list[str] = []
        self._loaded = False
        self._refused: tuple[RunStatus, str] | None = None
        self._processes = 0
        self._queries = 0
        self._cpu_seconds = 0.0
        self._peak_kb = 0

    async def hold(self, sandboxes: Sandboxes, *, waits: bool = False, suites: bool = False) -> None:
        """Have it asked everything, in as many processes as it takes."""
        again = True
        while again:
            async with sandboxes.runner(waits=waits, suites=suites) as runner:
                again = self.end(await runner.execute(self.next_job(), self.take))

    def next_job(self) -> Job:
        """Return the questions still open, with nonces of their own."""
        self._loaded = False
        self._queries = 0
        first = len(self._cases)
        self._nonces = [secrets.token_hex(NONCE // 2) for _ in self._judge.questions[first:]]
        return self._judge.job(self._code, first, self._nonces)

    # ── what a process sends ──────────────────────────────────────────────────────────────

    def take(self, payload: bytes) -> Reply:
        """Take one payload of the process; return the answer if it is a query, or what will give it.

        What is no proper answer ends the hearing as ``tampered``: honest code can't send it.

        Raises:
            Forfeited: If nothing the process could still send would count.
        """
        if self._refused is not None:  # what follows a forgery changes nothing, however soon it comes
            raise Forfeited
        try:
            reply = self._take(payload[:1], payload[1:])
        except Exception as error:  # the payload is hostile: whatever it upsets is its own doing
            self._tampered(f"sent an answer that can't be read ({type(error).__name__})")
            reply = None
        if self._refused is not None:
            raise Forfeited
        return reply

    def _take(self, kind: bytes, body: bytes) -> Reply:
        if kind == ChildKind.LOADED and not self._loaded:
            self._load(body)
        elif kind == ChildKind.ANSWER and self._loaded and self._nonces:
            self._answer(body)
        elif kind == ChildKind.QUERY and self._loaded and self._nonces:
            return self._query(body)
        else:
            self._tampered("sent an answer nobody asked for")
        return None

    def _load(self, body: bytes) -> None:
        self._loaded = True
        if not body:
            return
        status, error = claim(body, {"syntax_error"})
        self._refused = (status, error)

    def _answer(self, body: bytes) -> None:
        question = self._question
        parts = parts_of(body[NONCE:])
        if body[:NONCE] != self._nonces.pop(0).encode() or not _fits(parts, question):
            self._tampered("sent an answer that fits no question")
            return
        self._cases.append(self._weigh(question, parts[:-1], parts[-1][1]))
        self._queries = 0

    def _query(self, body: bytes) -> Reply:
        self._queries += 1
        try:
            query = self._question.queries[struct.unpack_from("<I", body)[0]]
            tree = codec.parse(body[4:].decode())
            args = codec.build(tree, max_keys=1000)
        except (IndexError, struct.error, codec.CodecError, UnicodeDecodeError):
            tree = args = None
        if type(tree) is not list:
            self._tampered("sent a query that names no function")
            return None
        try:
            answer = query(*args)
            return _encoded(answer) if inspect.isawaitable(answer) else codec.encode(answer).encode()
        except Exception:
            return b"null"  # asked with arguments of a wrong type: no answer

    @property
    def _question(self) -> _Question:
        return self._judge.questions[len(self._cases)]

    def _weigh(self, question: _Question, outcomes: list[tuple[int, bytes]], printed: bytes) -> CaseResult:
        task = self._judge.task
        for call, expected, (kind, data) in zip(question.test.calls, question.expected, outcomes, strict=True):
            if kind == _ERROR:
                status, error = claim(data)
                told = error if question.test.public else ""
                return self._case(question, status, told, call, expected, b"", printed)
            if not matches(expected, data, call.comparison or task.comparison, task.check, call.args):
                return self._case(question, "wrong_answer", "", call, expected, data, printed)
        last = question.test.calls[-1], question.expected[-1], outcomes[-1][1]
        return self._case(question, "passed", "", *last, printed)

    def _case(
        self,
        question: _Question,
        status: Any,
        error: str,
        call: Any = None,
        expected: Expected | None = None,
        output: bytes = b"",
        printed: bytes = b"",
    ) -> CaseResult:
        public = question.test.public and call is not None
        return CaseResult(
            id=question.test.id,
            passed=status == "passed",
            score=float(status == "passed"),
            status=status,
            public=question.test.public,
            input_summary=_call_text(self._judge.task, call) if public else "",
            expected_summary=summarize(expected.text) if public and expected else "",
            output_summary=summarize(output) if public and output else "",
            stdout=printed.decode("utf-8", "replace") if public else "",
            error=error,
            queries=self._queries,
        )

    def _tampered(self, what: str) -> None:
        self._refused = ("tampered", what)

    # ── how a process ended ───────────────────────────────────────────────────────────────

    def end(self, ending: Ending) -> bool:
        """Note how the process ended; return whether another one is to be asked the rest."""
        self._processes += 1
        self._cpu_seconds += ending.cpu_seconds
        self._peak_kb = max(self._peak_kb, ending.peak_kb)
        open_questions = self._judge.questions[len(self._cases) :]
        if self._refused is not None or not open_questions:
            return False
        status, error = cause(ending)
        if status == "tampered" or not self._loaded:
            self._refused = (status, error)
            return False
        self._cases.append(self._case(self._question, status, error))
        self._queries = 0
        return len(open_questions) > 1 and self._processes < _MAX_PROCESSES

    def verdict(self) -> RunResult:
        """Return the result."""
        task = self._judge.task
        cases, status, error = self._settle()
        passed = sum(case.passed for case in cases)
        components = {"correctness": passed / len(cases)}
        if any(test.budget is not None for test in task.tests):
            components["efficiency"] = self._efficiency(cases)
        return RunResult(
            task_id=task.id,
            status=status,
            cases=tuple(cases),
            reward_components=components,
            details=f"{passed} of {len(cases)} tests passed" + (f"; {error}" if error else ""),
            seed=task.seed,
            timing=Timing(cpu_seconds=self._cpu_seconds, peak_memory_mb=self._peak_kb / 1024),
        )

    def _settle(self) -> tuple[list[CaseResult], RunStatus, str]:
        """Return the cases, those never reached included, the status and its error."""
        if self._refused is not None:
            status, error = self._refused
            case_status: CaseStatus = "tampered" if status == "tampered" else "not_run"
            told = [self._case(question, case_status, error) for question in self._judge.questions]
            return sorted(told, key=lambda case: self._judge.order[case.id]), status, error
        rest = self._judge.questions[len(self._cases) :]
        cases = self._cases + [self._case(q, "not_run", "too many tests before it ended their process") for q in rest]
        cases.sort(key=lambda case: self._judge.order[case.id])
        first = next((case for case in cases if not case.passed), None)
        return cases, (first.status if first else "passed"), ""

    def _efficiency(self, cases: list[CaseResult]) -> float:
        """Return the reference's queries over the submission's, where the answer was right."""
        shares = [
            min(1.0, test.budget / max(1, case.queries)) if case.passed else 0.0
            for test, case in zip(self._judge.task.tests, cases, strict=True)
            if test.budget is not None
        ]
        return sum(shares) / len(shares)


async def _encoded(answer: Awaitable[Any]) -> bytes:
    return codec.encode(await answer, 1 << 28).encode()


def cause(ending: Ending) -> tuple[CaseStatus, str]:
    """Return what a process's end means for the test it was at."""
    if ending.reason in _KILLED_FOR:
        return _KILLED_FOR[ending.reason]
    if ending.signal == signal.SIGSYS:
        return "forbidden", "made a system call that is forbidden"
    if ending.signal == signal.SIGKILL and ending.cpu_exhausted:
        return "timeout", "used more CPU time than all tests together may"
    # Whether the end of the process or that of its channel is noticed first is chance, and says nothing.
    if ending.signal not in (None, signal.SIGKILL) and ending.reason in (None, "closed"):
        known = ending.signal in set(signal.Signals)
        return "crashed", f"the process died of {signal.Signals(ending.signal).name if known else ending.signal}"
    return "crashed", "the process ended before it had answered"


def claim(body: bytes, more: set[str] = frozenset()) -> tuple[Any, str]:  # type: ignore[assignment]
    """Return the status and message a process reports of itself; they can only lower its score."""
    try:
        told = json.loads(body)
        status, error = str(told["status"]), printable(str(told["error"])[:1200])
    except (ValueError, KeyError, TypeError, RecursionError):
        return "exception", "an error that can't be shown"
    return (status if status in _CLAIMABLE or status in more else "exception"), error


def printable(text: str) -> str:
    """Escape what no file or socket takes: lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode()


def parts_of(body: bytes) -> list[tuple[int, bytes]]:
    """Split an answer into its ``(kind, bytes)`` parts; an empty list if it is malformed."""
    parts, at = [], 0
    while at < len(body):
        if len(body) - at < _PART.size:
            return []
        kind, length = _PART.unpack_from(body, at)
        at += _PART.size
        if length > len(body) - at:
            return []
        parts.append((kind, body[at : at + length]))
        at += length
    return parts


def _fits(parts: list[tuple[int, bytes]], question: _Question) -> bool:
    kinds = [kind for kind, _ in parts]
    return (
        len(kinds) == len(question.expected) + 1
        and kinds[-1] == _OUTPUT
        and all(kind in (_VALUE, _ERROR) for kind in kinds[:-1])
    )


def _call_text(task: Task, call: Any) -> str:
    """Return a call as a person would write it, shortened."""
    shown = [_shown(arg) for arg in call.args] + [f"{name}={_shown(arg)}" for name, arg in call.kwargs.items()]
    text = f"{task.entry_point}({', '.join(shown)})"
    return text if len(text) <= 300 else f"{text[:299]}…"


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except ValueError:  # a number with more digits than Python writes
        return "…"


assert set(_CLAIMABLE) <= set(get_args(CaseStatus))
