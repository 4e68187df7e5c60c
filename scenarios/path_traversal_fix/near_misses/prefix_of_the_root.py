"""Resolves everything, and then asks whether the path begins with the root's: so does a folder beside it."""

import runpy
from pathlib import Path

SHARE = runpy.run_path(str(Path(__file__).parents[1] / "solve.py"))["SHARE"]


def solve():
    source = SHARE.replace("path.startswith(root + os.sep)", "path.startswith(root)")
    source = source.replace(
        "            if not parts:\n                raise Refused(404)\n            parts.pop()\n",
        "            parts.append(part)\n",
    )
    source = source.replace("for part in parts + inside", "for part in inside")
    assert source.count("raise Refused(404)") == SHARE.count("raise Refused(404)") - 1
    yield {"name": "write_file", "arguments": {"path": "fileshare.py", "content": source}}
    yield {"name": "submit", "arguments": {}}
