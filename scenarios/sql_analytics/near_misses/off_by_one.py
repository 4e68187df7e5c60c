"""Right but for the boundaries: 30 minutes begin a session, 30 days are in the next bucket."""

import runpy
from pathlib import Path

QUERIES = runpy.run_path(str(Path(__file__).parents[1] / "solve.py"))["QUERIES"]
CHANGES = (
    ("sessions", "> 1800", ">= 1800"),
    ("aging", "'0-30', 0, 30", "'0-30', 0, 29"),
    ("aging", "'31-60', 31, 60", "'31-60', 30, 60"),
)


def solve():
    queries = dict(QUERIES)
    for name, old, new in CHANGES:
        assert old in queries[name]
        queries[name] = queries[name].replace(old, new)
    for name, query in queries.items():
        yield {"name": "write_file", "arguments": {"path": f"queries/{name}.sql", "content": query}}
    yield {"name": "submit", "arguments": {}}
