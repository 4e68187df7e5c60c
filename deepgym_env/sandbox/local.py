"""Runners on this machine: namespaces, a root of their own, seccomp, Landlock and rlimits."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from deepgym_env.errors import SandboxError
from deepgym_env.sandbox.cgroup import Cgroup, CgroupError

__all__ = ["DEFAULT_PRELOAD", "LocalBackend"]

# What solutions import; each costs the runner memory once and a submission nothing.
DEFAULT_PRELOAD: tuple[str, ...] = (
    *("abc", "bisect", "collections", "contextlib", "copy", "dataclasses", "datetime", "decimal", "enum"),
    *("fractions", "functools", "heapq", "io", "itertools", "json", "math", "operator", "random", "re"),
    *("statistics", "string", "time", "traceback", "types", "typing"),
)
_END_SECONDS = 2.0
_START = "import sys; sys.path.insert(0, {folder!r}); from runner.launch import main; main()"
_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "LANG": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}


@dataclass(eq=False)
class _LocalHandle:
    stream: socket.socket
    config: dict[str, Any]
    process: subprocess.Popen[bytes]
    errors: IO[bytes]
    cgroup: Cgroup | None
    layers: dict[str, str | None]

    def kill(self) -> None:
        """Let the supervisor end all it started; kill it, and so all of it, if it doesn't."""
        self.stream.close()
        try:
            self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.cgroup is not None:
            self.cgroup.remove()
        self.errors.close()

    def diagnosis(self) -> str:
        """Return the last line the runner wrote to stderr."""
        if self.errors.closed:
            return ""
        self.errors.seek(0)
        lines = self.errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:500] if lines else ""


_handles: weakref.WeakSet[_LocalHandle] = weakref.WeakSet()


def _let_go_after_fork() -> None:
    """In a forked child: close our copies of the streams, else they'd outlive the parent."""
    for handle in list(_handles):
        handle.stream.close()


os.register_at_fork(after_in_child=_let_go_after_fork)


class LocalBackend:
    """Starts runners as processes of this machine.

    Example:
        >>> LocalBackend(preload=("math",)).name
        'local'
    """

    name = "local"

    def __init__(
        self,
        *,
        python: str | None = None,
        preload: Sequence[str] = DEFAULT_PRELOAD,
        packages: Sequence[str] = ("numpy",),
        layers: Sequence[str] = ("namespaces", "seccomp", "landlock", "cgroup"),
        sessions: bool = False,
    ) -> None:
        """Choose what runners look like.

        Args:
            python: The interpreter, 3.8 or newer; by default this one.
            preload: Modules each runner imports once, before any submission.
            packages: Installed packages submissions may import, besides the standard library; each
                runner imports them once, for the first submission that mentions one.
            layers: The layers of isolation to try; leaving one out is for measurements only.
            sessions: Runners hold sessions' workspaces instead of judging submissions.
        """
        self._python = python or sys.executable
        self._preload = tuple(preload)
        installed = [name for name in packages if _package_folders(name)]
        # numpy loads its random module late; the runner seeds it for every submission.
        self._modules = [*installed, "numpy.random"] if "numpy" in installed else installed
        self._packages = [folder for name in installed for folder in _package_folders(name)]
        self._layers = tuple(layers)
        self._sessions = sessions

    def for_sessions(self) -> LocalBackend:
        """Return a backend like this one whose runners hold sessions."""
        return LocalBackend(python=self._python, preload=self._preload, packages=(), layers=self._layers, sessions=True)

    def start(self) -> _LocalHandle:
        """Start a runner.

        Raises:
            SandboxError: If the interpreter can't be started.
        """
        if not sys.platform.startswith("linux"):
            raise SandboxError("the local sandbox needs Linux; on other systems use mode='docker'")
        try:
            ours, process, errors = self._spawn()
        except OSError as error:
            raise SandboxError(f"can't start {self._python}: {error}") from error
        ours.setblocking(False)
        cgroup, problem = self._cgroup(process.pid)
        handle = _LocalHandle(ours, self._config(), process, errors, cgroup, {"cgroup": problem})
        _handles.add(handle)
        return handle

    def _spawn(self) -> tuple[socket.socket, subprocess.Popen[bytes], IO[bytes]]:
        """Start the process; return our end of its stream, the process and what it writes to stderr."""
        ours, theirs = socket.socketpair()
        start = _START.format(folder=str(Path(__file__).parent))
        errors = None
        try:
            errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the runner
            process = subprocess.Popen(
                [self._python, "-s", "-S", "-c", start],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=errors,
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the engine to handle
            )
        except OSError:
            ours.close()
            if errors is not None:
                errors.close()
            raise
        finally:
            theirs.close()
        return ours, process, errors

    def _cgroup(self, pid: int) -> tuple[Cgroup | None, str | None]:
        """Put a runner that still waits for its configuration into a cgroup; or say why not."""
        if "cgroup" not in self._layers:
            return None, "switched off"
        try:
            cgroup = Cgroup.create()
        except CgroupError as error:
            return None, str(error)
        try:
            cgroup.add(pid)
        except CgroupError as error:
            cgroup.remove()
            return None, str(error)
        return cgroup, None

    def _config(self) -> dict[str, Any]:
        config: dict[str, Any] = {name: name in self._layers for name in ("namespaces", "seccomp", "landlock")}
        config["sessions"] = self._sessions
        return {**config, "packages": self._packages, "preload": self._preload, "package_modules": self._modules}


def _package_folders(name: str) -> list[str]:
    """Return a package's folder and that of the libraries its wheel brings; none if not installed."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.origin:
        return []
    folder = os.path.dirname(os.path.realpath(spec.origin))
    return [path for path in (folder, f"{folder}.libs") if os.path.isdir(path)]
