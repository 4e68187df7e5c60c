"""Where an engine's work is done: on this machine's sandboxes, by a server, on a cluster.

- :class:`Executor`: what every place offers an engine; :data:`Mode`: their names.
- :class:`Options`: what an engine was told of its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from deepgym_env.programs import Program, ProgramResult
from deepgym_env.result import RunResult
from deepgym_env.sandbox import Backend, Isolation, IsolationLevel
from deepgym_env.sandbox.modes import MODES as SANDBOXES
from deepgym_env.sandbox.workspace import Workspace
from deepgym_env.task import File, LanguageName, SessionLimits, StateTest, SubmissionTask, WorkspaceTask

__all__ = ["MODES", "Done", "Executor", "Mode", "Options", "Submission"]

Mode = Literal["local", "docker", "gvisor", "runsc", "daytona", "remote", "ray"]
MODES: tuple[Mode, ...] = (*SANDBOXES, "remote", "ray")
Submission = tuple[SubmissionTask, str]
"""A task and the code that answers it."""
Done = Callable[[int, RunResult], None]
"""Told the position of a submission and its result, as soon as there is one."""


class Executor(Protocol):
    """A place where submissions, programs and sessions run; bound to one event loop.

    Whatever the place, the same submission has the same verdict. What fails for reasons of its own is tried
    again there, and then told as a result without a verdict.
    """

    @property
    def workers(self) -> int:
        """Runners, all its machines' together, as far as is known."""

    async def run(self, work: Sequence[Submission], *, max_parallel: int | None, done: Done) -> None:
        """Judge submissions; ``done`` is called once for each, in any order.

        Args:
            work: The submissions; the code is not empty and not too long.
            max_parallel: How many run at a time; None: what the place can take.
            done: Called on the event loop.

        Raises:
            IsolationError: If the place is isolated less than asked for.
            ClosedError: If it is closed.
        """

    async def session(
        self,
        task: WorkspaceTask | None,
        *,
        files: Sequence[File],
        limits: SessionLimits | None,
        ttl: float | None,
    ) -> Workspace:
        """Start a session; see :meth:`~deepgym_env.engine.AsyncDeepGym.session`."""

    async def resume(self, snapshot: Any) -> Workspace:
        """Start a session as another one was when the snapshot was taken."""

    async def judge(self, task: WorkspaceTask, session: Workspace, *, tests: Sequence[StateTest] | None) -> RunResult:
        """Judge the state of a session."""

    async def execute(
        self, program: Program, stdins: Sequence[bytes], max_parallel: int | None
    ) -> tuple[ProgramResult, ...]:
        """Compile a program once and run it on each input."""

    async def languages(self) -> Mapping[LanguageName, str | None]:
        """Return each language with the version of its toolchain, None where there is none."""

    async def isolation(self) -> Isolation:
        """Return what isolation is in force."""

    async def aclose(self) -> None:
        """End everything; runs under way fail. Closing twice does no harm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What an engine was told of its place; see :class:`~deepgym_env.engine.AsyncDeepGym`."""

    image: str | None = None
    workers: int | None = None
    retries: int = 2
    min_isolation: IsolationLevel = "process"
    backend: Backend | None = None
    url: str | None = None
    api_key: str | None = field(default=None, repr=False)
