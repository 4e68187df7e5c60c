"""What every session offers, wherever its sandbox is.

- :class:`Workspace`: a session; :class:`Keepsake`: a snapshot of one.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from deepgym_env.sandbox.isolation import Isolation
from deepgym_env.sandbox.session import Command, Entry
from deepgym_env.task import SessionLimits

__all__ = ["Keepsake", "Workspace"]


class Keepsake(Protocol):
    """A session as it was, kept where the session is."""

    @property
    def alive(self) -> bool:
        """Whether it can still be restored, as far as is known."""


class Workspace(Protocol):
    """A workspace in a sandbox, with the methods of :class:`~deepgym_env.sandbox.session.Session`."""

    @property
    def limits(self) -> SessionLimits:
        """What a command may use."""

    @property
    def isolation(self) -> Isolation:
        """What isolation is in force."""

    async def exec(
        self,
        command: str | Sequence[str],
        *,
        stdin: bytes = b"",
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        merge: bool = True,
        shell_state: bool = True,
        limits: SessionLimits | None = None,
    ) -> Command:
        """Run a command and wait until it and all it started are over."""

    async def read(self, path: str, *, limit: int = ...) -> bytes:
        """Return a file's contents."""

    async def write(self, path: str, data: bytes | str, *, executable: bool = False) -> None:
        """Replace a file, or make it."""

    async def edit(self, path: str, old: str, new: str) -> None:
        """Replace the one place where ``old`` stands in a text file by ``new``."""

    async def list(self, path: str = ".", *, depth: int = 3, limit: int = 500) -> tuple[builtins.list[Entry], bool]:
        """Return what lies below a folder, and whether that is all of it."""

    async def service_state(self) -> Any:
        """Return what the session's service has kept."""

    async def snapshot(self) -> Keepsake:
        """Keep the session as it is now."""

    async def restore(self, snapshot: Any) -> None:
        """Make the session as it was when the snapshot was taken."""

    async def drop(self, snapshot: Any) -> None:
        """Forget a snapshot."""

    def holds(self, snapshot: Any) -> bool:
        """Whether a snapshot can be restored here."""

    async def fork(self) -> Workspace:
        """Return another session that begins as this one is now."""

    async def close(self) -> None:
        """End the session. Closing twice does no harm."""

    async def __aenter__(self) -> Workspace:
        """Return the session itself."""

    async def __aexit__(self, *exc: object) -> None:
        """Close it."""
