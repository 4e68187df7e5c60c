"""Whose a sandbox is, as labels on it: so that what outlived its owner is found and removed.

- :data:`LABEL`: the label every sandbox has; :func:`labels`: all of them, for this process.
- :func:`is_gone`: whether the owner of a sandbox is no more.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Mapping
from pathlib import Path

__all__ = ["LABEL", "is_gone", "labels"]

LABEL = "deepgym.owner"
_LEASE = "deepgym.lease"
_LEASE_SECONDS = 24 * 3600
_UNKNOWN = "unknown"


def labels() -> dict[str, str]:
    """Return labels that name this process, and until when its sandbox is spared if it can't be looked for."""
    return {LABEL: f"{_machine()} {_process(os.getpid())}", _LEASE: str(int(time.time()) + _LEASE_SECONDS)}


def is_gone(found: Mapping[str, str]) -> bool:
    """Return whether the owner is dead; one on another machine counts as dead when its lease is over."""
    machine, _, process = found.get(LABEL, "").partition(" ")
    if machine != _machine() or machine == _UNKNOWN:
        lease = found.get(_LEASE, "")
        return lease.isdigit() and int(lease) < time.time()
    pid = process.partition(":")[0]
    return not pid.isdigit() or _process(int(pid)) != process


@functools.cache
def _machine() -> str:
    """Name this machine since it was started, and its pid namespace: where a pid means something."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return _UNKNOWN


def _process(pid: int) -> str:
    """Return ``pid:start time``, which no other process ever has."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return f"{pid}:gone" if pid != os.getpid() else f"{pid}:unknown"
    return f"{pid}:{fields[19]}" if fields[0] != "Z" else f"{pid}:gone"
