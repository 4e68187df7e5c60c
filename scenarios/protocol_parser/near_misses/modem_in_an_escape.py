"""Ignores 11 and 13 but for those that come between 7D and its byte."""

import runpy
from pathlib import Path

TELELINK = runpy.run_path(str(Path(__file__).parents[1] / "solve.py"))["TELELINK"]


def solve():
    source = TELELINK.replace("elif byte not in FLOW:", "elif byte not in FLOW or self._escaping:")
    assert source != TELELINK
    yield {"name": "write_file", "arguments": {"path": "telelink.py", "content": source}}
    yield {"name": "submit", "arguments": {}}
