"""Reads 03/04/2024 as the fourth of March."""

import runpy
from pathlib import Path

PIPELINE = runpy.run_path(str(Path(__file__).parents[1] / "solve.py"))["PIPELINE"]


def solve():
    source = PIPELINE.replace(r"(?P<d>\d\d)/(?P<m>\d\d)", r"(?P<m>\d\d)/(?P<d>\d\d)")
    assert source != PIPELINE
    yield {"name": "write_file", "arguments": {"path": "pipeline.py", "content": source}}
    yield {"name": "bash", "arguments": {"command": "python3 pipeline.py data shop.db report.json"}}
    yield {"name": "submit", "arguments": {}}
