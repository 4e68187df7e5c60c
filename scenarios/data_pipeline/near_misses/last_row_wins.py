"""Keeps the last row of every id, whatever is being imported."""

import runpy
from pathlib import Path

PIPELINE = runpy.run_path(str(Path(__file__).parents[1] / "solve.py"))["PIPELINE"]


def solve():
    source = PIPELINE.replace("wins(row, old[2])", "True")
    assert source != PIPELINE
    yield {"name": "write_file", "arguments": {"path": "pipeline.py", "content": source}}
    yield {"name": "bash", "arguments": {"command": "python3 pipeline.py data shop.db report.json"}}
    yield {"name": "submit", "arguments": {}}
