"""Wants a beginning flag for every frame: after a garbled one it takes the flag for the end only."""

import runpy
from pathlib import Path

TELELINK = runpy.run_path(str(Path(__file__).parents[1] / "solve.py"))["TELELINK"]


def solve():
    old = '        return [("error", problem)] if problem else self._good(frame)\n'
    assert TELELINK.count(old) == 1
    new = "        if problem:\n            self._frame = None\n" + old
    yield {"name": "write_file", "arguments": {"path": "telelink.py", "content": TELELINK.replace(old, new)}}
    yield {"name": "submit", "arguments": {}}
