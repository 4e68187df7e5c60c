"""What isolation is in force, layer by layer, as the runner found by trying.

Levels, weakest first: ``none`` (no filter on system calls, or the host's files in reach),
``process`` (seccomp and Landlock in the host's namespaces), ``full`` (namespaces of its own,
a root with nothing but Python in it, and seccomp).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["LEVELS", "Isolation", "IsolationLevel", "Layer"]

IsolationLevel = Literal["none", "process", "full"]
LEVELS: tuple[IsolationLevel, ...] = ("none", "process", "full")

_PURPOSE = {
    "container": "a container without network or capabilities, with a read-only root, as an unprivileged user",
    "kernel": "a kernel of its own in user space (gVisor): the machine's is out of reach",
    "namespaces": "own root without host files, no network, no foreign processes",
    "seccomp": "system calls filtered to what Python needs",
    "landlock": "file access limited a second time, by path",
    "rlimits": "memory, CPU time, files and core dumps limited",
    "cgroup": "the whole runner's memory and processes limited",
}
_REMEDY = {
    "container": "none needed",
    "kernel": "none needed",
    "namespaces": (
        "allow user namespaces: `sysctl -w user.max_user_namespaces=15000`; on Ubuntu 24.04 also "
        "`sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`; in Docker run the host container with "
        "`--security-opt seccomp=unconfined --security-opt apparmor=unconfined`"
    ),
    "seccomp": "use a kernel with CONFIG_SECCOMP_FILTER (x86_64 or aarch64)",
    "landlock": "use Linux 5.13 or newer with `landlock` in the kernel's `lsm=` list",
    "rlimits": "none needed",
    "cgroup": "run below a delegated cgroup v2, such as `systemd-run --user --scope -p Delegate=yes deepgym ...`",
}

_REMEDY_IN_GVISOR = {
    "namespaces": "use a newer gVisor (20240729 will do, 20221219 won't): https://gvisor.dev/docs/user_guide/install/",
    "landlock": "none: gVisor has no Landlock",
}


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of isolation.

    Attributes:
        name: Its name.
        active: Whether it is in force.
        purpose: What it does.
        reason: Why it isn't in force.
        remedy: How to get it.
    """

    name: str
    active: bool
    purpose: str
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Isolation:
    """The layers of one runner.

    Attributes:
        layers: All of them, in force or not.
        python: Version of the runner's interpreter.
        missing_modules: Modules that were to be preloaded and couldn't be.
    """

    layers: tuple[Layer, ...]
    python: str = ""
    missing_modules: tuple[str, ...] = ()

    @classmethod
    def from_report(cls, report: dict[str, Any]) -> Isolation:
        """Read a runner's report."""
        reasons: dict[str, str | None] = {**report["layers"], "rlimits": None}
        remedies = {**_REMEDY, **_REMEDY_IN_GVISOR} if "kernel" in reasons else _REMEDY
        layers = (
            Layer(name, reasons[name] is None, _PURPOSE[name], reasons[name] or "", remedies[name])
            for name in _PURPOSE
            if name in reasons
        )
        return cls(tuple(layers), report["python"], tuple(report["missing"]))

    @property
    def level(self) -> IsolationLevel:
        """The level all layers together reach."""
        active = {layer.name for layer in self.layers if layer.active}
        if "seccomp" not in active:
            return "none"
        if "namespaces" in active:
            return "full"
        return "process" if "landlock" in active else "none"

    def at_least(self, level: IsolationLevel) -> bool:
        """Return whether the level is reached."""
        return LEVELS.index(self.level) >= LEVELS.index(level)
