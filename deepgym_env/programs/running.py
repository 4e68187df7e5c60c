"""Compiles a program once and runs it on many inputs, each time in a clean copy.

- :class:`ProgramRunner`: over the sessions of an engine.
"""

from __future__ import annotations

import asyncio
import re
import signal
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from deepgym_env.errors import IsolationError, LanguageError, RefusedError, SandboxError
from deepgym_env.programs.languages import LANGUAGES, Language
from deepgym_env.programs.plan import PROBE_LIMITS, Plan
from deepgym_env.programs.program import Program, ProgramResult, ProgramStatus, ProgramTiming
from deepgym_env.sandbox import Command, Session
from deepgym_env.task import File, LanguageName, SessionLimits

__all__ = ["OpenSession", "ProgramRunner"]

OpenSession = Callable[[Sequence[File], SessionLimits], Awaitable[Session]]

_MAX_CODE = 1 << 20
_TEMPORARY = re.compile(r"(/tmp/(?:cc|rustc|go-build))\w+")
_ENDED_FOR = {"cpu": "CPU time", "wall": "waiting", "memory": "memory", "output": "output"}


class ProgramRunner:
    """Runs programs on sessions it opens; bound to the event loop it is used on."""

    def __init__(self, open_session: OpenSession, *, seats: int, retries: int) -> None:
        """Start nothing yet.

        Args:
            open_session: Opens a session.
            seats: Compilers and programs that run at a time.
            retries: How often a run is tried again after an infrastructure failure.
        """
        self._open = open_session
        self._seats = asyncio.Semaphore(seats)
        self._retries = retries
        self._versions: dict[LanguageName, str | None] = {}
        self._asking = asyncio.Lock()

    async def run(
        self, program: Program, stdins: Sequence[bytes], max_parallel: int | None = None
    ) -> tuple[ProgramResult, ...]:
        """Run a program on each input; see :meth:`AsyncDeepGym.execute_many`."""
        if len(program.code) > _MAX_CODE:
            details = f"the code is longer than {_MAX_CODE} characters"
            return (ProgramResult(status="output_limit", details=details),) * len(stdins)
        plan = Plan.of(program)
        results: dict[int, ProgramResult] = {}
        cause = ""
        for attempt in range(1, self._retries + 2):
            todo = deque(index for index in range(len(stdins)) if index not in results)
            if not todo:
                break
            try:
                await self._insist_on(program.language)
                async with self._seats, await self._open(plan.files, plan.compile_limits) as base:
                    work = _Work(plan, stdins, base, await _compiled(plan, base), attempt, todo, results)
                    await self._share_out(work, max_parallel or len(stdins))
                cause = work.cause
            except IsolationError:
                raise
            except SandboxError as error:
                cause = str(error)
        lost = ProgramResult(
            status="infrastructure_error", details=cause, timing=ProgramTiming(attempts=self._retries + 1)
        )
        return tuple(results.get(index, lost) for index in range(len(stdins)))

    async def languages(self) -> Mapping[LanguageName, str | None]:
        """Return every language with its toolchain's version; None where the sandbox has none."""
        await self._ask(get_args(LanguageName))
        return dict(self._versions)

    async def _insist_on(self, name: LanguageName) -> None:
        await self._ask([name])
        if self._versions[name] is None:
            language = LANGUAGES[name]
            raise LanguageError(
                f"the sandbox has no toolchain for {name!r}: `{language.probe}` fails in it. Install Debian's "
                f"{language.packages} (or the like) where the sandbox gets its programs from; the local one "
                "shows those of /usr/bin. engine.languages() lists what is there"
            )

    async def _ask(self, names: Sequence[LanguageName]) -> None:
        """Find out which toolchains there are, once."""
        async with self._asking:
            unknown = [name for name in names if name not in self._versions]
            if not unknown:
                return
            async with await self._open((), PROBE_LIMITS) as session:
                for name in unknown:
                    self._versions[name] = await _version(session, LANGUAGES[name])

    async def _share_out(self, work: _Work, parallel: int) -> None:
        """Do the work, with help as long as there are free seats."""
        helpers: list[asyncio.Task[None]] = []
        try:
            while work.todo:
                for _ in range(min(parallel - 1 - len(helpers), len(work.todo) - 1)):
                    if self._seats.locked():
                        break
                    await self._seats.acquire()  # which is free
                    helpers.append(asyncio.ensure_future(work.do_all()))
                    helpers[-1].add_done_callback(lambda _: self._seats.release())
                await work.do_one()
            await asyncio.gather(*helpers)
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)


@dataclass(slots=True)
class _Work:
    """Runs of a compiled program, on one session."""

    plan: Plan
    stdins: Sequence[bytes]
    base: Session
    compiler: Command
    attempt: int
    todo: deque[int]
    results: dict[int, ProgramResult]
    cause: str = ""  # of the last run that was lost

    async def do_all(self) -> None:
        while self.todo:
            await self.do_one()

    async def do_one(self) -> None:
        index = self.todo.popleft()
        began = time.perf_counter()
        try:
            result = await self._run(self.stdins[index])
        except IsolationError:
            raise
        except SandboxError as error:
            self.cause = str(error)
            return
        timing = result.timing.model_copy(update={"wall_seconds": time.perf_counter() - began})
        self.results[index] = result.model_copy(update={"timing": timing})

    async def _run(self, stdin: bytes) -> ProgramResult:
        plan, compiler = self.plan, self.compiler
        if compiler.code or compiler.reason:
            return self._result("syntax_error", details=_compiler_details(compiler))
        try:
            session = await self.base.fork()
        except RefusedError as error:
            return self._result("syntax_error", details=f"what it compiles to can't be copied: {error}")
        async with session:
            ran = await session.exec(
                plan.run, stdin=stdin, env=plan.run_env, merge=False, shell_state=False, limits=plan.run_limits
            )
        return self._read(ran)

    def _read(self, ran: Command) -> ProgramResult:
        status, details = _verdict(ran, self.plan.program)
        return self._result(
            status,
            stdout=ran.stdout,
            stderr=ran.stderr,
            exit_code=ran.code if ran.signal is None and ran.reason is None else None,
            signal=ran.signal if ran.reason is None else None,
            truncated=ran.truncated,
            details=details,
            cpu_seconds=ran.cpu_seconds,
        )

    def _result(self, status: ProgramStatus, *, cpu_seconds: float = 0.0, **fields: Any) -> ProgramResult:
        timing = ProgramTiming(
            cpu_seconds=cpu_seconds, compile_cpu_seconds=self.compiler.cpu_seconds, attempts=self.attempt
        )
        said = _TEMPORARY.sub(r"\1", self.compiler.stdout)  # else no two compilations say the same
        return ProgramResult(status=status, compile_output=said, timing=timing, **fields)


async def _version(session: Session, language: Language) -> str | None:
    """Return the first line of what a toolchain says of itself."""
    asked = await session.exec(language.probe, shell_state=False, limits=PROBE_LIMITS)
    return None if asked.code or asked.reason else asked.stdout.partition("\n")[0]


async def _compiled(plan: Plan, base: Session) -> Command:
    return await base.exec(plan.compile, env=plan.compile_env, shell_state=False, limits=plan.compile_limits)


def _verdict(ran: Command, program: Program) -> tuple[ProgramStatus, str]:
    """Return what a run came to, and one sentence on it; the order is :class:`ProgramResult`'s."""
    limits, failed = program.limits, ran.code != 0
    if ran.written[0] > limits.output_bytes or ran.reason == "output":
        return "output_limit", f"it wrote more than {limits.output_bytes} bytes"
    if ran.signal == signal.SIGXFSZ:
        return "output_limit", f"it wrote a file larger than {limits.disk_mb} MiB"
    if ran.reason == "cpu":
        return "timeout", f"it used more than {limits.cpu_seconds:g} s of CPU time"
    if ran.reason == "wall":
        return "timeout", f"it waited for more than {limits.wall_seconds:g} s"
    if ran.reason == "memory" or (failed and _names_memory(ran, program)):
        return "memory_limit", f"it needed more than {limits.memory_mb} MiB of memory"
    if ran.signal is not None:
        return "crashed", f"ended by {_signal_name(ran.signal)}"
    return ("exception", f"exit code {ran.code}") if failed else ("ok", "")


def _names_memory(ran: Command, program: Program) -> bool:
    return any(words in ran.stderr for words in LANGUAGES[program.language].out_of_memory)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"


def _compiler_details(compiler: Command) -> str:
    if compiler.reason is not None:
        return f"the compiler was ended for its {_ENDED_FOR[compiler.reason]}"
    return "it does not compile"
