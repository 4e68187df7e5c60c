"""A home of a test's own, and files as they are published."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from published import DATA, ROWS


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own."""
    monkeypatch.setenv("DEEPGYM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def published(tmp_path: Path) -> Callable[[str], str]:
    """Writes a benchmark's row into a file as it is published; returns its path."""

    def write(name: str, *more: dict[str, Any]) -> str:
        file = tmp_path / f"{name}.jsonl.gz"
        file.write_bytes(gzip.compress("\n".join(map(json.dumps, [*ROWS[name], *more])).encode()))
        return str(file)

    return write


@pytest.fixture(scope="session")
def data() -> Callable[[str], Path]:
    """Finds a published file; skips where it isn't there."""

    def find(name: str) -> Path:
        file = DATA / name
        if not file.exists():
            pytest.skip(f"needs {name} in ../shared/data, or in the folder DEEPGYM_DATA names")
        return file

    return find
