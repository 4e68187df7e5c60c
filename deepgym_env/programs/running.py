"""Compiles a program once and runs it on many inputs, each time in a clean copy.

- :class:`ProgramRunner`: over the sessions of an engine.
- :data:`RunProgram`: a program that is compiled, to be run.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import get_args

from deepgym_env.errors import IsolationError, LanguageError, SandboxError
from deepgym_env.programs.compiled import CompiledProgram
from deepgym_env.programs.languages import LANGUAGES, Language
from deepgym_env.programs.plan import PROBE_LIMITS, Plan
from deepgym_env.programs.program import Program, ProgramResult, ProgramTiming
from deepgym_env.sandbox import Session
from deepgym_env.task import File, LanguageName, SessionLimits

__all__ = ["OpenSession", "ProgramRunner", "RunProgram"]

OpenSession = Callable[[Sequence[File], SessionLimits], Awaitable[Session]]
RunProgram = Callable[[bytes, Sequence[str]], Awaitable[ProgramResult]]
"""Runs a program that is compiled on an input, with arguments."""

_MAX_CODE = 1 << 20


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
                    work = _Work(await CompiledProgram.on(base, plan, attempt), stdins, todo, results)
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

    @asynccontextmanager
    async def compiled(self, program: Program) -> AsyncIterator[RunProgram]:
        """Compile a program, to be run as often as is wished; nothing is tried again.

        Raises:
            SandboxError: If a sandbox was lost; so do the runs.
            LanguageError: If the sandbox has no toolchain for its language.
        """
        await self._insist_on(program.language)
        plan = Plan.of(program)
        async with await self._open(plan.files, plan.compile_limits) as base:
            async with self._seats:
                compiled = await CompiledProgram.on(base, plan)

            async def run(stdin: bytes, args: Sequence[str] = ()) -> ProgramResult:
                async with self._seats:
                    return await compiled.run(stdin, args)

            yield run

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

    program: CompiledProgram
    stdins: Sequence[bytes]
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
            result = await self.program.run(self.stdins[index])
        except IsolationError:
            raise
        except SandboxError as error:
            self.cause = str(error)
            return
        timing = result.timing.model_copy(update={"wall_seconds": time.perf_counter() - began})
        self.results[index] = result.model_copy(update={"timing": timing})


async def _version(session: Session, language: Language) -> str | None:
    """Return the first line of what a toolchain says of itself."""
    asked = await session.exec(language.probe, shell_state=False, limits=PROBE_LIMITS)
    return None if asked.code or asked.reason else asked.stdout.partition("\n")[0]
