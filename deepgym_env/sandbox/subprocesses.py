"""Runners that are processes of this machine, whatever these do to isolate themselves.

- :func:`spawn`: start one, with a stream to it; :class:`ProcessHandle`: what came of it.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from deepgym_env.errors import SandboxError
from deepgym_env.sandbox.bundle import ENVIRONMENT

__all__ = ["ProcessHandle", "spawn"]

_END_SECONDS = 2.0


@dataclass(eq=False)
class ProcessHandle:
    """A runner in a process of this machine.

    Attributes:
        stream: Our end of its standard input and output.
        process: It, or what holds it.
        errors: What it writes to standard error.
        config: What it is told first.
        layers: Isolation put on from outside.
        clean_up: What is left to do once the process is gone.
    """

    stream: socket.socket
    process: subprocess.Popen[bytes]
    errors: IO[bytes]
    config: dict[str, Any] = field(default_factory=dict)
    layers: dict[str, str | None] = field(default_factory=dict)
    clean_up: Callable[[], None] = lambda: None

    def kill(self) -> None:
        """Let the runner end all it started; kill it, and so all of it, if it doesn't."""
        self.stream.close()
        try:
            self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.clean_up()
        self.errors.close()

    def unwrap(self, data: bytes) -> bytes:
        """Return what has arrived: the stream holds nothing but frames."""
        return data

    def diagnosis(self) -> str:
        """Return the last line written to standard error."""
        if self.errors.closed:
            return ""
        self.errors.seek(0)
        lines = self.errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:500] if lines else ""


def spawn(command: Sequence[str]) -> ProcessHandle:
    """Start a program that will speak frames on its standard streams.

    Raises:
        SandboxError: If it can't be started.
    """
    ours, theirs = socket.socketpair()
    errors = None
    try:
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the runner
        process = subprocess.Popen(
            command,
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=errors,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,  # Ctrl-C is for the engine to handle
        )
    except OSError as error:
        ours.close()
        if errors is not None:
            errors.close()
        raise SandboxError(f"can't start {command[0]}: {error}") from error
    finally:
        theirs.close()
    return ProcessHandle(ours, process, errors)
