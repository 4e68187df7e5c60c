"""Collects whatever comes and looks at the size when the flag is there."""

import runpy
from pathlib import Path

TELELINK = runpy.run_path(str(Path(__file__).parents[1] / "solve.py"))["TELELINK"]


def solve():
    head, found, rest = TELELINK.partition("            if len(self._frame) > MAX_FRAME:\n")
    assert found
    source = head + rest[rest.index("        return []\n") :]
    old = '    if len(frame) < 5:\n        return "short"\n'
    assert source.count(old) == 1
    source = source.replace(old, '    if len(frame) > MAX_FRAME:\n        return "oversize"\n' + old)
    yield {"name": "write_file", "arguments": {"path": "telelink.py", "content": source}}
    yield {"name": "submit", "arguments": {}}
