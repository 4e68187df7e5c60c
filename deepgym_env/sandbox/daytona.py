"""Runners in Daytona sandboxes, by Daytona's own SDK: ``pip install 'deepgym-env[daytona]'``.

The runner and what it does are the same as on this machine; see :mod:`deepgym_env.sandbox.daytona_guard`
for how it is reached, and ``docs/daytona.md`` for what has been tried.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from deepgym_env.errors import ConfigError, SandboxError
from deepgym_env.sandbox.bundle import (
    BOOT,
    DEFAULT_PRELOAD,
    ENVIRONMENT,
    SUITE_PACKAGES,
    SUITE_PRELOAD,
    SUITE_WARM,
    bundle,
    modules_of,
)

__all__ = ["DaytonaBackend"]

_SLACK_SECONDS = 60.0  # beyond the time a sandbox may take to start
_GUARD = "import sys; sys.path[:] = {path!r}; from deepgym_env.sandbox.daytona_guard import main; main({control})"


@dataclass(eq=False)
class _DaytonaHandle:
    """A runner in a sandbox; closing its stream has the guard delete the sandbox."""

    stream: socket.socket
    config: dict[str, Any]
    layers: dict[str, str | None]
    sandbox: str
    words: IO[bytes]
    guard: _GuardProcess  # lives as long as anything it guards

    def unwrap(self, data: bytes) -> bytes:
        """Return the runner's bytes: all that arrive."""
        return data

    def kill(self) -> None:
        """Have the sandbox deleted; that goes on after this, and after the end of this program."""
        self.stream.close()
        self.words.close()

    def diagnosis(self) -> str:
        """Return why the sandbox is gone, or the last line the runner wrote to stderr."""
        return "" if self.words.closed else _read(self.words)


class DaytonaBackend:
    """Starts runners in Daytona sandboxes.

    Example:
        >>> DaytonaBackend(lease_minutes=30).name
        'daytona'
    """

    name = "daytona"

    def __init__(
        self,
        *,
        api_key: str | None = None,
        api_url: str | None = None,
        target: str | None = None,
        snapshot: str | None = None,
        image: str | None = None,
        resources: Mapping[str, int] | None = None,
        os_user: str | None = None,
        python: str = "python3",
        network_block_all: bool = True,
        lease_minutes: int = 15,
        labels: Mapping[str, str] | None = None,
        start_seconds: float = 120.0,
        preload: Sequence[str] = DEFAULT_PRELOAD,
        packages: Sequence[str] = ("numpy",),
        warm: Sequence[str] | None = None,
        sessions: bool = False,
    ) -> None:
        """Choose what sandboxes look like; the service is asked first when one is started.

        Args:
            api_key: By default ``DAYTONA_API_KEY``, or what else the SDK finds in the environment.
            api_url: By default ``DAYTONA_API_URL``, else Daytona's own service.
            target: The region; by default ``DAYTONA_TARGET``, else the organisation's.
            snapshot: The snapshot sandboxes are made from; by default Daytona's.
            image: Make them from this image instead; it needs ``python3``, 3.8 or newer, and a shell.
            resources: ``cpu``, ``memory`` and ``disk`` (GiB) of a sandbox made from an image.
            os_user: The user commands run as; by default the snapshot's.
            python: The interpreter in the sandbox.
            network_block_all: Let nothing in the sandbox reach any network.
            lease_minutes: A sandbox nobody renews for so long is stopped and deleted by the service.
            labels: Labels for the sandboxes, besides those that say whose they are.
            start_seconds: How long a sandbox may take to start.
            preload: Modules each runner imports once, before any submission.
            packages: Packages of the sandbox that submissions may import, besides the standard library.
            warm: Which of them each runner imports once; by default all.
            sessions: Runners hold sessions' workspaces instead of judging submissions.

        Raises:
            ConfigError: If an option has a value that can't work.
        """
        if image is not None and snapshot is not None:
            raise ConfigError("a sandbox is made from a snapshot or from an image, not both")
        if resources and image is None:
            raise ConfigError("resources need image=...: those of a snapshot are part of it")
        if not set(resources or ()) <= {"cpu", "memory", "disk"}:
            raise ConfigError(f"resources may name cpu, memory and disk, got {sorted(resources or ())}")
        if lease_minutes < 1:
            raise ConfigError(f"lease_minutes must be at least 1, got {lease_minutes!r}")
        self._request: dict[str, Any] = {
            "account": {"api_key": api_key, "api_url": api_url, "target": target},
            "snapshot": snapshot,
            "image": image,
            "resources": dict(resources or {}),
            "os_user": os_user,
            "python": python,
            "command": ["-s", "-S", "-c", BOOT],
            "environment": ENVIRONMENT,
            "network_block_all": network_block_all,
            "lease_minutes": lease_minutes,
            "renew_seconds": lease_minutes * 60 / 3,
            "labels": dict(labels or {}),
            "seconds": start_seconds,
        }
        self._preload = tuple(preload)
        self._packages = () if sessions else tuple(packages)
        self._warm = [name for name in self._packages if warm is None or name in warm]
        self._sessions = sessions
        self._programs = warm is not None
        self._guard = _GuardProcess()

    def for_sessions(self) -> DaytonaBackend:
        """Return a backend like this one whose runners hold sessions."""
        other = DaytonaBackend(preload=self._preload, sessions=True)
        other._request, other._guard = self._request, self._guard
        return other

    def for_suites(self) -> DaytonaBackend:
        """Return a backend like this one whose runners have what suites of tests use."""
        packages = tuple(dict.fromkeys([*self._packages, *SUITE_PACKAGES]))
        other = DaytonaBackend(preload=SUITE_PRELOAD, packages=packages, warm=SUITE_WARM)
        other._request, other._guard = self._request, self._guard
        return other

    def start(self) -> _DaytonaHandle:
        """Start a sandbox with a runner.

        Raises:
            SandboxError: If the SDK isn't installed, or the service gives no sandbox.
        """
        if importlib.util.find_spec("daytona") is None:
            raise SandboxError("mode='daytona' needs Daytona's SDK: pip install 'deepgym-env[daytona]'")
        with contextlib.ExitStack() as undo:
            words = undo.enter_context(tempfile.TemporaryFile())
            stream = undo.enter_context(self._guard.ask(self._request, words))
            stream.settimeout(self._request["seconds"] + _SLACK_SECONDS)
            try:
                hello = _receive_line(stream)
                if hello:
                    stream.sendall(bundle())
            except OSError as error:
                raise SandboxError(f"the Daytona sandbox did not start: {error}") from error
            if not hello:
                why = _read(words) or self._guard.last_words()
                raise SandboxError(why or "the process that talks to Daytona was killed")
            stream.setblocking(False)
            undo.pop_all()
        started = json.loads(hello)
        return _DaytonaHandle(
            stream, self._config(started["memory_mb"]), {"container": None}, started["id"], words, self._guard
        )

    def _config(self, memory_mb: int) -> dict[str, Any]:
        config = {"namespaces": True, "seccomp": True, "landlock": True}
        return {
            "sessions": self._sessions,
            "programs": self._programs,
            **config,
            "packages": list(self._packages),
            "preload": list(self._preload),
            "package_modules": modules_of(self._warm),
            "store_mb": memory_mb // 4,
        }


class _GuardProcess:
    """Starts the process that talks to Daytona when it is first needed, or no longer there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._errors: IO[bytes] | None = None
        self._ends: list[Any] = []
        weakref.finalize(self, self._close, self._ends)
        _guards.add(self)

    def ask(self, request: dict[str, Any], words: IO[bytes]) -> socket.socket:
        """Ask for a sandbox; return our end of its stream.

        Raises:
            SandboxError: If the process can't be started.
        """
        ours, theirs = socket.socketpair()
        message = json.dumps(request).encode()
        with theirs, self._lock:
            try:
                if self._control is None or not self._send(message, theirs, words):
                    self._spawn()
                    self._send(message, theirs, words)
            except OSError as error:
                ours.close()
                raise SandboxError(f"can't start {sys.executable}: {error}") from error
            except SandboxError:
                ours.close()
                raise
        return ours

    def last_words(self) -> str:
        """Return the last line the process wrote to stderr."""
        return _read(self._errors) if self._errors is not None else ""

    def let_go(self) -> None:
        """In a forked child: close our copy of the socket, else the process would outlive the parent."""
        if self._control is not None:
            self._control.close()
            self._control = None

    def _send(self, message: bytes, stream: socket.socket, words: IO[bytes]) -> bool:
        assert self._control is not None
        try:
            socket.send_fds(self._control, [message], [stream.fileno(), words.fileno()])
        except (BrokenPipeError, ConnectionError):
            return False
        return True

    def _spawn(self) -> None:
        self._close(self._ends)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the socket
        self._ends += [self._control, self._errors]
        with theirs:
            program = _GUARD.format(path=sys.path, control=theirs.fileno())
            # It forks and lets itself be forgotten, so nobody has to wait for its end.
            started = subprocess.run(
                [sys.executable, "-c", program],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                pass_fds=[theirs.fileno()],
                check=False,
            )
        if started.returncode:
            raise SandboxError(f"the process that talks to Daytona can't start: {self.last_words()}")

    @staticmethod
    def _close(ends: list[Any]) -> None:
        for end in ends:
            end.close()
        ends.clear()


_guards: weakref.WeakSet[_GuardProcess] = weakref.WeakSet()


def _let_go_after_fork() -> None:
    for guard in list(_guards):
        guard.let_go()


os.register_at_fork(after_in_child=_let_go_after_fork)


def _receive_line(stream: socket.socket) -> bytes:
    """Return the line the guard sends first; empty if it closes the stream instead."""
    line = b""
    while not line.endswith(b"\n"):
        data = stream.recv(1)
        if not data:
            return b""
        line += data
    return line


def _read(file: IO[bytes]) -> str:
    """Return the last line of a file."""
    file.seek(0)
    lines = file.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:500] if lines else ""
