"""What a judge is, and what it judges with.

- :class:`Judge`: turns one submission into a verdict.
- :class:`Sandboxes`: where it has code run.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from deepgym_env.programs import Program, ProgramResult, RunProgram
from deepgym_env.result import RunResult
from deepgym_env.sandbox import Session
from deepgym_env.sandbox.process import Runner
from deepgym_env.task import File, SessionLimits

__all__ = ["Judge", "Sandboxes"]


class Sandboxes(Protocol):
    """Lends what untrusted code runs in."""

    def runner(self, *, waits: bool = False, suites: bool = False) -> AbstractAsyncContextManager[Runner]:
        """Lend a runner, for one process.

        Args:
            waits: Whether it will wait for others more than compute.
            suites: Whether it has to have what suites of tests use.
        """

    async def session(self, *, files: Sequence[File] = (), limits: SessionLimits | None = None) -> Session:
        """Start a session with these files."""

    async def run_program(self, program: Program, stdins: Sequence[bytes]) -> tuple[ProgramResult, ...]:
        """Compile a program once and run it on each input."""

    def compiled(self, program: Program) -> AbstractAsyncContextManager[RunProgram]:
        """Compile a program, to be run as often as is wished."""


class Judge(Protocol):
    """Knows a task's tests; made once and used for many submissions at a time."""

    async def judge(self, code: str, sandboxes: Sandboxes) -> RunResult:
        """Return the verdict on one submission.

        Raises:
            SandboxError: If a sandbox failed, which is no verdict: the submission is to be tried again.
        """
