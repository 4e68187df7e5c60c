"""Writes into the database that is there instead of a new one, and before it knows that the export is complete."""

import runpy
from pathlib import Path

PIPELINE = runpy.run_path(str(Path(__file__).parents[1] / "solve.py"))["PIPELINE"]


def solve():
    source = PIPELINE
    for old, new in (
        ('path + ".new"', "path"),
        ("        if os.path.exists(temporary):\n            os.remove(temporary)\n", ""),
        ("        os.replace(temporary, path)\n", ""),
        ("file.read())", 'file.read().replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"))'),
        ("INSERT INTO", "INSERT OR REPLACE INTO"),
    ):
        assert old in source
        source = source.replace(old, new)
    yield {"name": "write_file", "arguments": {"path": "pipeline.py", "content": source}}
    yield {"name": "bash", "arguments": {"command": "python3 pipeline.py data shop.db report.json"}}
    yield {"name": "submit", "arguments": {}}
