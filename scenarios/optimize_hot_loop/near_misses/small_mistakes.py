"""The right algorithms with the usual slips: ties, open ends, an argument sorted in place."""

import pathlib
import runpy

SOLVE = pathlib.Path(__file__).parents[1] / "solve.py"


def solve():
    source = runpy.run_path(str(SOLVE))["FAST"]
    for old, new in (
        (
            "events = [(start, 1) for start, end in sessions if start < end]",
            "events = [(start, 1) for start, end in sessions]",
        ),
        (
            "events += [(end, 0) for start, end in sessions if start < end]",
            "events += [(end, 2) for start, end in sessions]",
        ),
        ("count += 1 if opens else -1", "count += 1 if opens == 1 else -1"),
        ("if opens and (", "if opens == 1 and ("),
        ("while time - ordered[first] > gap", "while time - ordered[first] >= gap and first < at"),
        ("    ordered = sorted(scores)\n", "    scores.sort()\n    ordered = scores\n"),
        ("values[waiting[-1]] < value", "values[waiting[-1]] <= value"),
    ):
        assert old in source, old
        source = source.replace(old, new)
    yield {"name": "write_file", "arguments": {"path": "telemetry.py", "content": source}}
    yield {"name": "run_tests", "arguments": {}}
    yield {"name": "submit", "arguments": {}}
