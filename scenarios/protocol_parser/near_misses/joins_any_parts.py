"""Joins parts of the same kind though frames between them are missing, and reports repetitions as 255 lost."""

import runpy
from pathlib import Path

TELELINK = runpy.run_path(str(Path(__file__).parents[1] / "solve.py"))["TELELINK"]


def solve():
    source = TELELINK.replace("(lost or self._waiting[0] != kind)", "self._waiting[0] != kind")
    source = source.replace("        if seq == self._last:\n            return []\n", "")
    assert len(source) < len(TELELINK) - 50
    yield {"name": "write_file", "arguments": {"path": "telelink.py", "content": source}}
    yield {"name": "submit", "arguments": {}}
