"""Answers what a verifier's processes want to know of a submission, which runs in other sandboxes.

- :class:`SubmissionHost`: one run of a verifier, one submission.

Each connection has a process of the submission's to itself, so that what imports it anew finds it new; the
oldest ones are ended where there would be too many. A process that ends is replaced when the submission is next
asked for by name, a few times.
"""

from __future__ import annotations

import functools
import json
import struct
from collections import OrderedDict
from contextlib import AsyncExitStack

from deepgym_env.errors import TaskError
from deepgym_env.judge.base import Sandboxes
from deepgym_env.judge.submission_process import Subject, SubmissionProcess
from deepgym_env.programs import Program, ProgramResult, RunProgram
from deepgym_env.result import RunStatus
from deepgym_env.sandbox.runner.request import pack, unpack
from deepgym_env.task import ProgramLimits, ScriptTask

__all__ = ["SubmissionHost", "Trouble"]

Trouble = tuple[RunStatus, str]

_PROCESSES = 4  # of one submission's at a time
_FAILURES = 3  # processes that may end before no other is started
_SHARE = 4.0  # of the CPU time of one process, all of them may have together
_ASKED = 1000  # times the queries of its limits, which no verifier has the time to ask
_TOO_MANY: Trouble = ("not_run", "too many of its processes ended before")


class _Lodger:
    """A process of the submission's that belongs to one connection."""

    def __init__(self, number: int, process: SubmissionProcess) -> None:
        self.number = number
        self.process = process
        self.begun = False


class SubmissionHost:
    """Runs one submission as a verifier wants it; use as a context manager.

    Attributes:
        trouble: The first thing that ended a process of the submission's, or kept an answer back.
        raised: What it raised last, or how it last failed as a program: what tests may want of it.
    """

    def __init__(self, task: ScriptTask, code: str, sandboxes: Sandboxes) -> None:
        """Start nothing yet."""
        self.trouble: Trouble | None = None
        self.raised: Trouble | None = None
        self.cpu_seconds = 0.0
        self.peak_kb = 0
        self._task = task
        self._code = code
        self._sandboxes = sandboxes
        self._lodgers: OrderedDict[int, _Lodger] = OrderedDict()  # by connection
        self._started = 0
        self._failures = 0
        self._program: RunProgram | None = None
        self._stack = AsyncExitStack()

    @property
    def tampered(self) -> bool:
        """Whether it sent what is no answer."""
        return self.trouble is not None and self.trouble[0] == "tampered"

    async def __call__(self, connection: int, question: bytes) -> bytes:
        """Answer one question.

        Raises:
            SandboxError: If a sandbox was lost, which is no verdict.
            TaskError: If it is none: the verifier has found a way of its own to us.
        """
        try:
            header, data = unpack(question)
            if header["op"] == "use":
                asked = self._use(connection, header["process"], header["bound"], data.decode())
            elif header["op"] == "run":
                asked = self._run(list(map(str, header["args"])), data)
            else:
                self._note(("tampered", str(header["why"])))
                return pack({})
        except (ValueError, KeyError, TypeError, struct.error) as error:
            raise TaskError(f"the verifier of {self._task.id!r} asks what is no question: {error!r}") from error
        return await asked

    # ── as a module ───────────────────────────────────────────────────────────────────────

    async def _use(self, connection: int, number: int, bound: bool, text: str) -> bytes:
        lodger = self._lodgers.get(connection)
        if bound and (lodger is None or lodger.number != number):
            return self._failed("ended", ("crashed", "the process that had the object has ended"), 0)
        if lodger is None:
            refused = await self._lodge(connection)
            if refused is not None:
                return self._failed("ended", refused, 0)
            lodger = self._lodgers[connection]
        self._lodgers.move_to_end(connection)
        begins, lodger.begun = not lodger.begun, True
        event = await lodger.process.exchange(text, begins)
        printed = lodger.process.printed.decode("utf-8", "replace")
        lodger.process.printed = b""
        if event[0] == "ended":
            await self._turn_out(connection)
        if event[0] != "reply":
            return self._failed(event[0], (event[1], event[2]), lodger.number if event[0] == "failed" else 0, printed)
        if text.startswith('["call"') and event[1].startswith('["raised",null,'):
            self.raised = _raised(event[1])
        return pack({"kind": "reply", "process": lodger.number, "printed": printed}, event[1].encode())

    async def _lodge(self, connection: int) -> Trouble | None:
        """Start a process for a connection, or return why there is none."""
        if self.tampered:
            return self.trouble or _TOO_MANY
        if self._failures >= _FAILURES or self.cpu_seconds > _SHARE * self._task.limits.cpu_seconds:
            return _TOO_MANY
        while len(self._lodgers) >= _PROCESSES:
            await self._turn_out(next(iter(self._lodgers)))
        subject = Subject(self._code, self._task.limits, self._task.seed, tests=_ASKED)
        process = SubmissionProcess(subject)
        self._started += 1
        self._lodgers[connection] = _Lodger(self._started, process)
        # One that waits for questions takes no place of those that compute: else verdicts could wait for each other.
        process.start(functools.partial(self._sandboxes.runner, waits=True))
        event = await process.loaded
        if event[0] == "loaded":
            return None
        await self._turn_out(connection)
        return event[1], event[2]

    async def _turn_out(self, connection: int) -> None:
        process = self._lodgers.pop(connection).process
        await process.finish()
        if process.ending is not None:
            self.cpu_seconds += process.ending.cpu_seconds
            self.peak_kb = max(self.peak_kb, process.ending.peak_kb)

    def _failed(self, kind: str, trouble: Trouble, number: int, printed: str = "") -> bytes:
        if kind == "failed" and trouble[0] == "exception":  # an answer that is no data, say
            self.raised = trouble
        elif trouble != _TOO_MANY:
            self._failures += kind == "ended"
            self._note(trouble)
        return pack({"kind": kind, "why": trouble, "process": number, "printed": printed})

    # ── as a program ──────────────────────────────────────────────────────────────────────

    async def _run(self, args: list[str], stdin: bytes) -> bytes:
        if self._program is None:
            task = self._task
            program = Program(language=task.language, code=self._code, limits=_program_limits(task))
            self._program = await self._stack.enter_async_context(self._sandboxes.compiled(program))
        ran = await self._program(stdin, args)
        self.cpu_seconds += ran.timing.cpu_seconds
        code = _exit_code(ran)
        if ran.status == "exception":
            self.raised = ("exception", ran.stderr.strip().rpartition("\n")[2][:1000] or ran.details)
        elif ran.status != "ok":
            self._note((ran.status, _story(ran)))
        stdout, stderr = ran.stdout.encode("utf-8", "replace"), ran.stderr.encode("utf-8", "replace")
        if ran.status not in ("ok", "exception"):
            stderr += f"\n{_story(ran)}\n".encode()
        header = {"code": code, "signal": ran.signal or 0, "status": ran.status, "stdout": len(stdout)}
        return pack(header, stdout + stderr)

    def _note(self, trouble: Trouble) -> None:
        if self.trouble is None or trouble[0] == "tampered":
            self.trouble = trouble

    async def __aenter__(self) -> SubmissionHost:
        """Return the host itself."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """End what is left of the submission."""
        for connection in list(self._lodgers):
            await self._turn_out(connection)
        await self._stack.aclose()


def _raised(reply: str) -> Trouble:
    """Return what a reply says was raised."""
    try:
        _, _, names, message, _ = json.loads(reply)
        return "exception", f"{names[0]}: {message}"[:1200]
    except (ValueError, LookupError, TypeError, RecursionError):  # the reply is hostile
        return "exception", "an exception that can't be shown"


def _program_limits(task: ScriptTask) -> ProgramLimits:
    """Return the task's limits as those of a program, as near as these have them."""
    limits = task.limits
    return ProgramLimits(
        cpu_seconds=limits.cpu_seconds,
        wall_seconds=limits.wall_seconds,
        memory_mb=min(max(64, limits.memory_mb), 1 << 19),
        processes=limits.threads,
        output_bytes=min(limits.output_bytes, 1 << 25),
        disk_mb=min(limits.tmp_mb, 1 << 15),
    )


def _exit_code(ran: ProgramResult) -> int:
    if ran.exit_code is not None:
        return ran.exit_code
    return 1 if ran.status == "syntax_error" else 128 + (ran.signal or 9)


def _story(ran: ProgramResult) -> str:
    said = ran.compile_output.strip()[:2000] if ran.status == "syntax_error" else ""
    return f"{ran.details}: {said}" if said else ran.details
