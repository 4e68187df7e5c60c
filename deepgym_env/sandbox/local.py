"""Runners on this machine: namespaces, a root of their own, seccomp, Landlock and rlimits."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deepgym_env.errors import SandboxError
from deepgym_env.sandbox.bundle import (
    DEFAULT_PRELOAD,
    SUITE_PACKAGES,
    SUITE_PRELOAD,
    SUITE_WARM,
    modules_of,
    package_folders,
)
from deepgym_env.sandbox.cgroup import Cgroup, CgroupError
from deepgym_env.sandbox.subprocesses import ProcessHandle, spawn

__all__ = ["LocalBackend"]

_START = "import sys; sys.path.insert(0, {folder!r}); from runner.launch import main; main()"


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
        packages: Sequence[str] = ("numpy", "sortedcontainers"),
        layers: Sequence[str] = ("namespaces", "seccomp", "landlock", "cgroup"),
        warm: Sequence[str] | None = None,
        sessions: bool = False,
    ) -> None:
        """Choose what runners look like.

        Args:
            python: The interpreter, 3.8 or newer; by default this one.
            preload: Modules each runner imports once, before any submission.
            packages: Packages submissions may import, besides the standard library, where they are
                installed.
            warm: Which of them each runner imports once, for the first submission that mentions one; by
                default all.
            layers: The layers of isolation to try; leaving one out is for measurements only.
            sessions: Runners hold sessions' workspaces instead of judging submissions.
        """
        self._python = python or sys.executable
        self._preload = tuple(preload)
        installed = [name for name in packages if package_folders(name)]
        self._modules = modules_of([name for name in installed if warm is None or name in warm])
        self._packages = [folder for name in installed for folder in package_folders(name)]
        self._self_contained = [folder for name in installed if warm is not None for folder in package_folders(name)]
        self._names = tuple(packages)
        self._layers = tuple(layers)
        self._sessions = sessions
        self._programs = warm is not None

    def for_sessions(self) -> LocalBackend:
        """Return a backend like this one whose runners hold sessions."""
        return LocalBackend(python=self._python, preload=self._preload, packages=(), layers=self._layers, sessions=True)

    def for_suites(self) -> LocalBackend:
        """Return a backend like this one whose runners have what suites of tests use."""
        packages = tuple(dict.fromkeys([*self._names, *SUITE_PACKAGES]))
        return LocalBackend(
            python=self._python, preload=SUITE_PRELOAD, packages=packages, warm=SUITE_WARM, layers=self._layers
        )

    def start(self) -> ProcessHandle:
        """Start a runner.

        Raises:
            SandboxError: If the interpreter can't be started.
        """
        if not sys.platform.startswith("linux"):
            raise SandboxError("the local sandbox needs Linux; on other systems use mode='docker'")
        handle = spawn([self._python, "-s", "-S", "-c", _START.format(folder=str(Path(__file__).parent))])
        handle.stream.setblocking(False)
        cgroup, problem = self._cgroup(handle.process.pid)
        if cgroup is not None:
            handle.clean_up = cgroup.remove
        handle.config, handle.layers = self._config(), {"cgroup": problem}
        return handle

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
        config["sessions"], config["programs"] = self._sessions, self._programs
        config["self_contained"] = self._self_contained
        return {**config, "packages": self._packages, "preload": self._preload, "package_modules": self._modules}
