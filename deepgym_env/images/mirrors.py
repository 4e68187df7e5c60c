"""Where this machine's own packages come from, if it is a Debian or an Ubuntu.

- :func:`own_suite`: its release. :func:`own_mirror`: the mirror that has a release, as far as it has one.

See os-release(5) and sources.list(5).
"""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["own_mirror", "own_suite"]

_ETC = Path("/etc")
_MIRROR = re.compile(
    r"^(?:deb(?:\s+\[.*?\])?|URIs:)\s+(\S+://\S+/(?:debian|ubuntu|ubuntu-ports))/?(?!\S)", re.MULTILINE
)
_DISABLED = re.compile(r"^Enabled:\s*no\b", re.MULTILINE)


def own_suite(etc: Path = _ETC) -> str | None:
    """Return the codename of this machine's release; None if it is no Debian and no Ubuntu."""
    try:
        lines = (etc / "os-release").read_text().splitlines()
    except OSError:
        return None
    found = {key: value.strip("\"'") for key, _, value in (line.partition("=") for line in lines)}
    return found.get("VERSION_CODENAME") if found.get("ID") in ("debian", "ubuntu") else None


def own_mirror(suite: str, etc: Path = _ETC) -> str | None:
    """Return the mirror of this machine, None if ``suite`` isn't its release: another's may be elsewhere."""
    if suite != own_suite(etc):
        return None
    for path in _source_files(etc / "apt"):
        for entry in path.read_text(errors="replace").split("\n\n"):
            match = None if _DISABLED.search(entry) else _MIRROR.search(entry)
            if match:
                return match[1]
    return None


def _source_files(apt: Path) -> list[Path]:
    """Return what apt reads: not what was put aside as ``*.save`` or ``*.disabled``."""
    folder = sorted(path for path in (apt / "sources.list.d").glob("*") if path.suffix in (".list", ".sources"))
    return [path for path in (apt / "sources.list", *folder) if path.is_file()]
