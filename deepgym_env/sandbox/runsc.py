"""Runners in gVisor without a container daemon: ``runsc`` itself, with folders of this machine.

gVisor is a kernel in user space: what the sandbox's processes ask of a kernel it answers, and they never
reach this machine's. Inside it a runner isolates submissions from each other as on any kernel.

See https://gvisor.dev and the OCI runtime specification's ``config.json``.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deepgym_env.errors import SandboxError
from deepgym_env.sandbox import owner
from deepgym_env.sandbox.bundle import (
    BOOT,
    DEFAULT_PRELOAD,
    ENVIRONMENT,
    SUITE_PACKAGES,
    SUITE_PRELOAD,
    SUITE_WARM,
    bundle,
    modules_of,
    package_folders,
)
from deepgym_env.sandbox.subprocesses import ProcessHandle, spawn

__all__ = ["RunscBackend"]

_UID = 61000
_PREFIX = "deepgym-runsc-"
_OWNER = "owner.json"
_RUNNER_PLACE = "/deepgym"
_SECONDS = 30.0
_SETTINGS = ("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "protocols")
_TOP_LEVEL = ("bin", "sbin", "lib", "lib32", "lib64")
# gVisor gives a sandbox up when nothing uses its first root any more; the runner leaves it, this shell doesn't.
_STAY = '"$@"; exit $?'


class RunscBackend:
    """Starts runners in gVisor sandboxes.

    Example:
        >>> RunscBackend(platform="ptrace").name
        'runsc'
    """

    name = "runsc"

    def __init__(
        self,
        *,
        platform: str | None = None,
        preload: Sequence[str] = DEFAULT_PRELOAD,
        packages: Sequence[str] = ("numpy",),
        warm: Sequence[str] | None = None,
        sessions: bool = False,
    ) -> None:
        """Choose what runners look like.

        Args:
            platform: gVisor's way to run code: ``systrap``, ``kvm`` or ``ptrace``; by default what the
                environment variable ``DEEPGYM_RUNSC_PLATFORM`` says, else gVisor's own choice.
            preload: Modules each runner imports once, before any submission.
            packages: Installed packages submissions may import, besides the standard library.
            warm: Which of them each runner imports once; by default all.
            sessions: Runners hold sessions' workspaces instead of judging submissions.
        """
        self._platform = platform or os.environ.get("DEEPGYM_RUNSC_PLATFORM")
        self._preload = tuple(preload)
        self._packages = [name for name in packages if package_folders(name)]
        self._warm = [name for name in self._packages if warm is None or name in warm]
        self._sessions = sessions
        self._programs = warm is not None

    def for_sessions(self) -> RunscBackend:
        """Return a backend like this one whose runners hold sessions."""
        return RunscBackend(platform=self._platform, preload=self._preload, packages=(), sessions=True)

    def for_suites(self) -> RunscBackend:
        """Return a backend like this one whose runners have what suites of tests use."""
        packages = tuple(dict.fromkeys([*self._packages, *SUITE_PACKAGES]))
        return RunscBackend(platform=self._platform, preload=SUITE_PRELOAD, packages=packages, warm=SUITE_WARM)

    def start(self) -> ProcessHandle:
        """Start a sandbox with a runner.

        Raises:
            SandboxError: If there is no ``runsc``, or it doesn't start.
        """
        program = shutil.which("runsc")
        if program is None:
            raise SandboxError("there is no runsc; install gVisor: https://gvisor.dev/docs/user_guide/install/")
        _reap_once(program)
        place = self._make_bundle()
        command = self._command(program, place)
        try:
            handle = spawn([*command, "run", "-bundle", str(place), place.name])
        except SandboxError:
            _remove(place)
            raise
        handle.clean_up = functools.partial(_delete, program, place)
        handle.config = {
            "namespaces": True,
            "seccomp": True,
            "landlock": True,
            "sessions": self._sessions,
            "programs": self._programs,
            "packages": self._package_folders(),
            "preload": list(self._preload),
            "package_modules": modules_of(self._warm),
        }
        handle.layers = {"kernel": None}
        self._send_runner(handle)
        return handle

    def _send_runner(self, handle: ProcessHandle) -> None:
        handle.stream.settimeout(_SECONDS)
        try:
            handle.stream.sendall(bundle())
        except OSError as error:
            with contextlib.suppress(subprocess.TimeoutExpired):
                handle.process.wait(1.0)
            problem = handle.diagnosis() or str(error)
            handle.kill()
            raise SandboxError(f"runsc did not start: {problem}") from error
        handle.stream.setblocking(False)

    def _command(self, program: str, place: Path) -> list[str]:
        options = ["--network=none", "--ignore-cgroups", f"--root={place / 'state'}"]
        if self._platform is not None:
            options.append(f"--platform={self._platform}")
        if os.geteuid() != 0:
            options.append("--rootless")
        return [program, *options]

    def _package_folders(self) -> list[str]:
        return [folder for name in self._packages for folder in package_folders(name)]

    def _make_bundle(self) -> Path:
        """Make a folder that ``runsc`` can run: an empty root, and what is to be shown in it."""
        place = None
        try:
            place = Path(tempfile.mkdtemp(prefix=_PREFIX))
            (place / _OWNER).write_text(json.dumps(owner.labels()))
            root = place / "rootfs"
            root.mkdir()
            links = [name for name in _TOP_LEVEL if os.path.islink(f"/{name}")]
            for name in links:
                (root / name).symlink_to(os.readlink(f"/{name}"))
            folders = ["/usr", *(f"/{name}" for name in _TOP_LEVEL if name not in links)]
            folders += [f"/etc/{name}" for name in _SETTINGS] + [sys.base_prefix, *self._package_folders()]
            shown = [folder for folder in folders if os.path.exists(folder) and not _below(folder, folders)]
            (place / "config.json").write_text(json.dumps(_specification(shown)))
        except OSError as error:
            if place is not None:
                _remove(place)
            raise SandboxError(f"no room for a sandbox's settings: {error}") from error
        return place


def _below(folder: str, others: Sequence[str]) -> bool:
    return any(folder != other and folder.startswith(other.rstrip("/") + "/") for other in others)


def _specification(shown: Sequence[str]) -> dict[str, Any]:
    boot = [os.path.realpath(sys.executable), "-s", "-S", "-c", BOOT, _RUNNER_PLACE]
    mounts = [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]},
        {"destination": _RUNNER_PLACE, "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]},
    ]
    mounts += [
        {"destination": folder, "type": "bind", "source": os.path.realpath(folder), "options": ["rbind", "ro"]}
        for folder in shown
    ]
    return {
        "ociVersion": "1.0.0",
        "hostname": "sandbox",
        "root": {"path": "rootfs", "readonly": True},
        "process": {
            "user": {"uid": _UID, "gid": _UID} if os.geteuid() == 0 else {"uid": 0, "gid": 0},
            "args": ["/bin/sh", "-c", _STAY, "sh", *boot],
            "env": [f"{name}={value}" for name, value in {**ENVIRONMENT, "PATH": "/usr/bin:/bin"}.items()],
            "cwd": "/",
            "capabilities": {},
            "noNewPrivileges": True,
        },
        "mounts": mounts,
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts", "network")]},
    }


def _delete(program: str, place: Path) -> None:
    """End what may be left of a sandbox, and remove its folder."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        command = [program, f"--root={place / 'state'}", "delete", "--force", place.name]
        subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
    _remove(place)


def _remove(place: Path) -> None:
    """Remove a sandbox's folder; what can't be removed now keeps its owner's name, for the next program."""
    with contextlib.suppress(OSError):
        for folder in (place / "rootfs", place / "state"):
            if folder.exists():
                shutil.rmtree(folder)
        shutil.rmtree(place)


@functools.cache
def _reap_once(program: str) -> None:
    """Remove sandboxes whose owner is gone; once in a program."""
    for place in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            if place.stat().st_uid == os.geteuid() and owner.is_gone(json.loads((place / _OWNER).read_text())):
                _delete(program, place)
        except (OSError, ValueError):
            continue  # being made, or being removed, by another program
