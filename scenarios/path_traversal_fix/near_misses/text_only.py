"""Looks at the text of paths only: symbolic links lead out, dangling ones are written through."""

import runpy
from pathlib import Path

SHARE = runpy.run_path(str(Path(__file__).parents[1] / "solve.py"))["SHARE"]


def solve():
    source = SHARE.replace("os.path.realpath(", "os.path.abspath(").replace("lexists", "exists").replace('"xb"', '"wb"')
    assert source != SHARE
    yield {"name": "write_file", "arguments": {"path": "fileshare.py", "content": source}}
    yield {"name": "submit", "arguments": {}}
