"""Splits what each call of feed gets: right for whole frames, lost when one comes in two pieces."""

import runpy
from pathlib import Path

TELELINK = runpy.run_path(str(Path(__file__).parents[1] / "solve.py"))["TELELINK"]


def solve():
    old = "        events = []\n        for byte in data:\n"
    assert TELELINK.count(old) == 1
    forgetful = "        self._frame, self._escaping = None if self._frame is None else bytearray(), False\n"
    source = TELELINK.replace(old, forgetful + old)
    yield {"name": "write_file", "arguments": {"path": "telelink.py", "content": source}}
    yield {"name": "run_tests", "arguments": {}}
    yield {"name": "submit", "arguments": {}}
