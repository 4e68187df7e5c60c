"""Tasks of many turns in a workspace.

- :class:`File`, :class:`StateTest`, :class:`WorkspaceTask`; :class:`Equivalent`.
- :func:`insist_inside`: refuses files that would lie elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict, Field, model_validator

from deepgym_env.task.base import Described, Test
from deepgym_env.task.limits import SessionLimits

__all__ = ["Equivalent", "File", "StateTest", "WorkspaceTask", "insist_inside"]


@dataclass(frozen=True, slots=True)
class File:
    """A file of a workspace.

    Attributes:
        path: Relative to the workspace.
        data: Its contents.
        executable: Whether it may be run.
    """

    path: str
    data: bytes
    executable: bool = False


def insist_inside(files: Iterable[File]) -> None:
    """Refuse files whose paths are none, or lead out of the folder they are for.

    Raises:
        ValueError: If there is one; the message names it.
    """
    for file in files:
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in file.path:
            raise ValueError(f"a file's path must be relative and lead to no other folder, got {file.path!r}")


class StateTest(Test):
    """One test of the state an agent left its workspace in; a public one the agent may run.

    Attributes:
        title: What it looks for, one line; shown for public tests.
    """

    title: str = ""


class Equivalent(BaseModel):
    """A change to what the reference agent leaves that is no fault: one no honest test could notice.

    Attributes:
        path: The file, relative to the workspace.
        was: The line or lines it takes out, as Python writes them out.
        now: Those it puts in.
        why: Why it is no fault.
        within: The function it is in; empty: anywhere.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    was: str
    now: str
    why: str = Field(min_length=1)
    within: str = ""

    def fits(self, path: str, within: str, was: str, now: str) -> bool:
        """Return whether it is this change; indentation is no part of it."""
        if path != self.path or self.within not in ("", within):
            return False
        return _bare(was) == _bare(self.was) and _bare(now) == _bare(self.now)


def _bare(lines: str) -> list[str]:
    return [line.strip() for line in lines.strip().splitlines()]


class WorkspaceTask(Described):
    """A task of many turns: an agent works in a workspace, and what it leaves there is judged.

    Its ``reference`` is the source of the scripted agent that solves it.

    Attributes:
        tests: The tests, in the order of the reward vector.
        files: What the workspace holds to begin with.
        setup: Shell commands that prepare it further, run in the sandbox before the agent comes.
        support: Source whose names ``check`` and ``service`` see: how the files were drawn.
        service: Source of the HTTP service that runs beside each command; empty: none.
        check: Source of the tests, functions of a :class:`~deepgym_env.judge.checker.Workspace`;
            it runs in a process of its own and never where the agent's code runs.
        limits: What the agent's commands may use.
        max_turns: Steps after which an episode is truncated.
        equivalents: Small changes to what the reference leaves that are no faults, for the mutation score.
    """

    tests: tuple[StateTest, ...] = Field(min_length=1)
    files: tuple[File, ...] = ()
    setup: str = ""
    support: str = ""
    service: str = ""
    check: str
    limits: SessionLimits = SessionLimits()
    max_turns: int = Field(default=30, ge=1)
    equivalents: tuple[Equivalent, ...] = ()

    @model_validator(mode="after")
    def _files_inside(self) -> WorkspaceTask:
        insist_inside(self.files)
        return self

    @property
    def public_tests(self) -> tuple[StateTest, ...]:
        """The tests an agent may run."""
        return tuple(test for test in self.tests if test.public)
