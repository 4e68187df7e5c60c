"""Every exception DeepGym raises on purpose.

::

    DeepGymError
    ├── TaskError              a task folder or definition is broken
    │   ├── UnknownTaskError   no task has that id
    │   └── StoreError         an imported benchmark's file is damaged or of another version
    ├── ConfigError            an option has a value that can't work
    │   ├── LanguageError      the sandbox has no toolchain for a program's language
    │   └── PackageError       the sandbox lacks packages that a suite of tests needs
    ├── ToolArgumentError      arguments of a tool call don't fit (in `deepgym_env.actions`)
    ├── SandboxError           the sandbox can't be started or was lost
    │   ├── IsolationError     less isolation is in force than was asked for
    │   ├── DatabaseError      the server's database is full, locked or can't be reached
    │   └── RemoteError        a server can't be reached, failed, or answered what is no answer
    │       ├── RemoteAccessError  it asks for a key, or the key isn't allowed to do that
    │       └── RemoteBusyError    it is too busy, also after all retries
    ├── HubError               the Hugging Face Hub can't give or take what was asked
    │   ├── HubNotFoundError   no such repository or revision, or no such task in it
    │   ├── HubAccessError     no token, or one that isn't allowed to do that
    │   ├── HubIntegrityError  what came is not what was pushed, or not safe to take
    │   ├── HubVersionError    it was pushed by a newer DeepGym
    │   └── HubTrustError      a task's tests are code, which only trust_code=True runs
    ├── RefusedError           a session can't do what was asked of it, and did nothing
    │   └── UnknownSessionError  there is no session or snapshot of that id (any more)
    └── ClosedError            an engine or a session was used after it was closed

A submission's own faults are never exceptions: they are statuses of its
:class:`~deepgym_env.result.RunResult`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

__all__ = [
    "ClosedError",
    "ConfigError",
    "DatabaseError",
    "DeepGymError",
    "HubAccessError",
    "HubError",
    "HubIntegrityError",
    "HubNotFoundError",
    "HubTrustError",
    "HubVersionError",
    "IsolationError",
    "LanguageError",
    "PackageError",
    "RefusedError",
    "RemoteAccessError",
    "RemoteBusyError",
    "RemoteError",
    "SandboxError",
    "StoreError",
    "TaskError",
    "UnknownSessionError",
    "UnknownTaskError",
]


class DeepGymError(Exception):
    """Base of every error DeepGym raises on purpose."""


class TaskError(DeepGymError):
    """A task folder or definition is broken; the message names the file and the fix."""


class UnknownTaskError(TaskError):
    """No task has the id that was asked for."""

    def __init__(self, task_id: str, known: Iterable[str], hint: str | None = None) -> None:
        """Name the unknown id and the nearest known ones, or give another hint."""
        close = difflib.get_close_matches(task_id.rpartition("/")[2], list(known), n=3)
        near = f"did you mean {' or '.join(map(repr, close))}?" if close else "`deepgym list` shows all."
        super().__init__(f"no task {task_id!r}: {hint or near}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what another process makes of it: an error of the same words."""
        return UnknownTaskError.__new__, (UnknownTaskError, *self.args)


class StoreError(TaskError):
    """The file of an imported benchmark is damaged or of another version; the message says how to renew it."""


class ConfigError(DeepGymError, ValueError):
    """An option has a value that can't work."""


class LanguageError(ConfigError):
    """The sandbox has no toolchain for a program's language; the message says what is missing."""


class PackageError(ConfigError):
    """The sandbox lacks packages that a task's suite or solution needs; the message names them and the fix."""


class SandboxError(DeepGymError):
    """The sandbox can't be started, or was lost: an infrastructure failure."""


class IsolationError(SandboxError):
    """Less isolation is in force than ``min_isolation`` asks for."""


class DatabaseError(SandboxError):
    """The server's database is full, locked or can't be reached: no change is half made, and it may work later."""


class RemoteError(SandboxError):
    """A DeepGym server can't be reached, failed, or answered what is no answer."""


class RemoteAccessError(RemoteError):
    """The server asks for a key, or the key isn't allowed to do that."""


class RemoteBusyError(RemoteError):
    """The server is too busy, also after all retries."""


class HubError(DeepGymError):
    """The Hugging Face Hub can't give or take what was asked; the message says what it said."""


class HubNotFoundError(HubError):
    """There is no such repository or revision, or no such task in it."""


class HubAccessError(HubError):
    """There is no token, or it isn't allowed to do that."""


class HubIntegrityError(HubError):
    """What came is not what was pushed, or not what was asked for, or not safe to take."""


class HubVersionError(HubError):
    """The repository was pushed by a newer DeepGym than this one."""


class HubTrustError(HubError):
    """A task's tests are code of its author's, which runs only where the author is trusted."""


class RefusedError(DeepGymError):
    """A session can't do what was asked (a file isn't there, a path leads out): nothing changed."""


class UnknownSessionError(RefusedError):
    """There is no session, episode or snapshot of that id: it was ended, or never begun."""


class ClosedError(DeepGymError, RuntimeError):
    """An engine or a session was used after it was closed."""
