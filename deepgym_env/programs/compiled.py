"""A program that is compiled: run on an input, in a clean copy of what the compiler left.

- :class:`CompiledProgram`
"""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deepgym_env.errors import RefusedError
from deepgym_env.programs.languages import LANGUAGES
from deepgym_env.programs.plan import Plan
from deepgym_env.programs.program import Program, ProgramResult, ProgramStatus, ProgramTiming
from deepgym_env.sandbox import Command, Session
from deepgym_env.task import File

__all__ = ["CompiledProgram"]

_TEMPORARY = re.compile(r"(/tmp/(?:cc|rustc|go-build))\w+")
_FETCHED_BYTES = 1 << 24
_ENDED_FOR = {"cpu": "CPU time", "wall": "waiting", "memory": "memory", "output": "output"}


@dataclass(frozen=True, slots=True)
class CompiledProgram:
    """A program on the session it was compiled in, which nobody else uses.

    Attributes:
        plan: What is done with it.
        base: The session.
        compiler: What came of the compiler.
        attempt: Which sandbox this is, counted from 1.
    """

    plan: Plan
    base: Session
    compiler: Command
    attempt: int = 1

    @classmethod
    async def on(cls, base: Session, plan: Plan, attempt: int = 1) -> CompiledProgram:
        """Compile a program on a session that has its files."""
        compiler = await base.exec(plan.compile, env=plan.compile_env, shell_state=False, limits=plan.compile_limits)
        return cls(plan, base, compiler, attempt)

    async def run(self, stdin: bytes, args: Sequence[str] = ()) -> ProgramResult:
        """Run it on an input, with arguments behind the program's own.

        Raises:
            SandboxError: If the sandbox was lost, which is no verdict.
        """
        plan, compiler = self.plan, self.compiler
        if compiler.code or compiler.reason:
            return self._result("syntax_error", details=_compiler_details(compiler))
        try:
            session = await self.base.fork()
        except RefusedError as error:
            return self._result("syntax_error", details=f"what it compiles to can't be copied: {error}")
        async with session:
            ran = await session.exec(
                (*plan.run, *args),
                stdin=stdin,
                env=plan.run_env,
                merge=False,
                shell_state=False,
                limits=plan.run_limits,
            )
            files, unfetched = await _fetched(session, plan.program.fetch)
        return self._read(ran, files=files, unfetched=unfetched)

    def _read(self, ran: Command, **left: Any) -> ProgramResult:
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
            **left,
        )

    def _result(self, status: ProgramStatus, *, cpu_seconds: float = 0.0, **fields: Any) -> ProgramResult:
        timing = ProgramTiming(
            cpu_seconds=cpu_seconds, compile_cpu_seconds=self.compiler.cpu_seconds, attempts=self.attempt
        )
        said = _TEMPORARY.sub(r"\1", self.compiler.stdout)  # else no two compilations say the same
        ended = self.compiler.reason
        return ProgramResult(status=status, compile_output=said, compiler_ended=ended, timing=timing, **fields)


async def _fetched(session: Session, paths: Sequence[str]) -> tuple[tuple[File, ...], tuple[str, ...]]:
    """Return the files a program left at these paths, and why each other one is missing."""
    files: list[File] = []
    missing: list[str] = []
    room = _FETCHED_BYTES
    for path in dict.fromkeys(paths):
        try:
            files.append(File(path, await session.read(path, limit=room)))
        except RefusedError as error:
            missing.append(str(error))
        else:
            room -= len(files[-1].data)
    return tuple(files), tuple(missing)


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
