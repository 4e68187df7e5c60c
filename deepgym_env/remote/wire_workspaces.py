"""The REST API's messages about bare workspaces, version 1: what a distant session's calls are over HTTP.

- :class:`OpenWorkspace`, :class:`OpenedWorkspace`; one message for each call and each answer.

:mod:`~deepgym_env.remote.workspace_calls` makes requests of a session's calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field, model_validator

from deepgym_env.remote.wire import Answer, Message
from deepgym_env.remote.wire_programs import Base64, LayerReport
from deepgym_env.remote.wire_sessions import TaskFields, TaskSource
from deepgym_env.sandbox import Command, Entry, Isolation, IsolationLevel, Layer
from deepgym_env.task import File, SessionLimits

__all__ = [
    "CommandOutcome",
    "EditRequest",
    "ExecRequest",
    "FileContents",
    "JudgeRequest",
    "ListRequest",
    "Listing",
    "OpenWorkspace",
    "OpenedWorkspace",
    "ReadRequest",
    "ServiceState",
    "WorkspaceIsolation",
    "WriteRequest",
]


class _Contents(Message):
    """What a file holds: text, or any bytes."""

    text: str | None = Field(default=None, description="Text; or `data`.")
    data: Base64 | None = Field(default=None, description="Bytes; or `text`.")

    @model_validator(mode="after")
    def _one_of_both(self) -> _Contents:
        if (self.text is None) == (self.data is None):
            raise ValueError("give either `text` or `data`, which is base64")
        return self

    @property
    def contents(self) -> bytes | str:
        """What was given."""
        return self.data if self.data is not None else self.text or ""


class WorkspaceFile(_Contents):
    """A file a workspace begins with."""

    path: str
    executable: bool = False

    def file(self) -> File:
        """Return it as a session takes it."""
        held = self.contents
        return File(
            self.path, held.encode("utf-8", "surrogateescape") if isinstance(held, str) else held, self.executable
        )


class OpenWorkspace(TaskFields):
    """A workspace to open: as a task begins, or with files, or empty."""

    files: list[WorkspaceFile] = Field(default_factory=list, max_length=10_000)
    limits: SessionLimits | None = Field(default=None, description="Of a command; by default the task's.")
    ttl: float | None = Field(
        default=None, gt=0, description="Seconds without a call after which it is ended; the server's at most."
    )

    @model_validator(mode="after")
    def _begins_one_way(self) -> OpenWorkspace:
        if (self.environment is not None or self.task is not None) and (self.files or not self.names_one):
            raise ValueError("a workspace begins with `environment`, with `task`, with `files`, or empty: give one")
        return self


class WorkspaceIsolation(Answer):
    """What isolates a workspace's commands."""

    layers: list[LayerReport]
    python: str = ""
    missing_modules: list[str] = Field(default_factory=list)
    level: IsolationLevel

    @classmethod
    def of(cls, isolation: Isolation) -> WorkspaceIsolation:
        """Return it as it goes over the wire."""
        return cls(
            layers=[LayerReport.model_validate(layer, from_attributes=True) for layer in isolation.layers],
            python=isolation.python,
            missing_modules=list(isolation.missing_modules),
            level=isolation.level,
        )

    def isolation(self) -> Isolation:
        """Return what this is of."""
        return Isolation(tuple(Layer(**dict(layer)) for layer in self.layers), self.python, tuple(self.missing_modules))


class OpenedWorkspace(Answer):
    """A workspace that was opened.

    Attributes:
        id: Its id, which nobody can guess.
        limits: What a command may use.
        expires_in: Seconds without a call after which it is ended.
        isolation: What isolates its commands.
    """

    id: str
    limits: SessionLimits
    expires_in: float
    isolation: WorkspaceIsolation


class ExecRequest(Message):
    """A command to run; the answer comes when it and all it started are over."""

    command: str | list[str] = Field(description="Text for a shell, or a program and its arguments.", examples=["ls"])
    stdin: Base64 = b""
    cwd: str | None = None
    env: dict[str, str] = Field(default_factory=dict)
    merge: bool = Field(default=True, description="Give both streams in one, in the order written.")
    shell_state: bool = Field(default=True, description="Go on from the last command's directory and variables.")
    limits: SessionLimits | None = None


class CommandOutcome(Answer):
    """What came of a command; see :class:`~deepgym_env.sandbox.session.Command`."""

    code: int
    stdout: str
    stderr: str
    reason: str | None
    truncated: bool
    written: list[int]
    signal: int | None
    cpu_seconds: float

    @classmethod
    def of(cls, command: Command) -> CommandOutcome:
        """Return it as it goes over the wire."""
        return cls(
            **{name: getattr(command, name) for name in cls.model_fields if name != "written"},
            written=list(command.written),
        )

    def command(self) -> Command:
        """Return what this is of."""
        return Command(**{**dict(self), "written": tuple(self.written)})


class ReadRequest(Message):
    """A file to read."""

    path: str
    limit: int = Field(default=1 << 24, ge=0, le=1 << 26)


class FileContents(Answer):
    """What a file holds."""

    data: Base64


class WriteRequest(_Contents):
    """A file to write, whole or not at all."""

    path: str
    executable: bool = False


class EditRequest(Message):
    """A piece of text to replace, which stands exactly once in a file."""

    path: str
    old: str
    new: str


class ListRequest(Message):
    """A folder to list."""

    path: str = "."
    depth: int = Field(default=3, ge=0, le=1000)
    limit: int = Field(default=500, ge=1, le=100_000)


class ListedEntry(Answer):
    """One line of a listing."""

    path: str
    kind: str
    size: int


class Listing(Answer):
    """What lies below a folder, sorted, and whether that is all of it."""

    entries: list[ListedEntry]
    complete: bool

    @classmethod
    def of(cls, entries: Sequence[Entry], complete: bool) -> Listing:
        """Return it as it goes over the wire."""
        listed = [ListedEntry.model_validate(entry, from_attributes=True) for entry in entries]
        return cls(entries=listed, complete=complete)


class ServiceState(Answer):
    """What a workspace's service has kept."""

    state: Any


class JudgeRequest(TaskSource):
    """The state of a workspace to judge by a task's tests; nothing in it changes."""

    tests: list[str] | None = Field(default=None, min_length=1, description="Ids of tests; by default all.")
