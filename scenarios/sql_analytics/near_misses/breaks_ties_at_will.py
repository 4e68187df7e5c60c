"""Numbers rows where ranks are asked for, takes the last streak, and the lower middle as the median."""

import runpy
from pathlib import Path

QUERIES = runpy.run_path(str(Path(__file__).parents[1] / "solve.py"))["QUERIES"]
CHANGES = (
    ("top_payers", "rank() OVER", "row_number() OVER"),
    ("streaks", "days DESC, first_day)", "days DESC, first_day DESC)"),
    ("days_to_pay", "IN ((total + 1) / 2, (total + 2) / 2)", "IN ((total + 1) / 2)"),
)


def solve():
    queries = dict(QUERIES)
    for name, old, new in CHANGES:
        assert old in queries[name]
        queries[name] = queries[name].replace(old, new)
    for name, query in queries.items():
        yield {"name": "write_file", "arguments": {"path": f"queries/{name}.sql", "content": query}}
    yield {"name": "submit", "arguments": {}}
