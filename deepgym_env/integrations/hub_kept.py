"""What came from the Hugging Face Hub, kept on this machine under its hash, in ``DEEPGYM_HOME``.

- :func:`keep`: keep it; :func:`read_kept`: read it again; :func:`place_of`: where it is.
- :func:`write_files`: files into a folder.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from deepgym_env.benchmarks.home import home
from deepgym_env.folders.reading import files_below
from deepgym_env.integrations.hub_bundle import MANIFEST, Bundle, is_part
from deepgym_env.task import File

__all__ = ["keep", "place_of", "read_kept", "write_files"]


def place_of(content_hash: str) -> Path:
    """Return the folder that content of a hash is kept in, whether it is there or not."""
    return home() / "hub" / content_hash.removeprefix("sha256:")


def read_kept(content_hash: str) -> Bundle | None:
    """Return what is kept under a hash; None if nothing is, or it no longer has that hash."""
    place = place_of(content_hash)
    if not (place / MANIFEST).is_file():
        return None
    try:
        found = Bundle(tuple(file for file in files_below(place) if is_part(file.path)))
    except FileNotFoundError:  # another process is replacing it
        return None
    return found if found.content_hash == content_hash else None


def keep(found: Bundle) -> None:
    """Keep content under its hash, complete or not at all.

    Raises:
        OSError: If the folder can't be written.
    """
    place = place_of(found.content_hash)
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=place.parent) as made:
        write_files(Path(made) / "new", [*found.files, File(MANIFEST, found.manifest.to_json())])
        with contextlib.suppress(OSError):  # there is none, or another process was faster
            if read_kept(found.content_hash) is None:
                os.replace(place, Path(made) / "damaged")
        with contextlib.suppress(OSError):  # another process was faster
            os.replace(Path(made) / "new", place)


def write_files(folder: Path, files: Iterable[File]) -> None:
    """Write files below a folder, which is made."""
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
        path.chmod(0o755 if file.executable else 0o644)
