"""Reads the module, runs its tests, and mends each function."""

FIXED_MEAN = """    if not values:
        raise ValueError("mean of no values")
    return sum(values) / len(values)"""
FIXED_MEDIAN = """    if not values:
        raise ValueError("median of no values")
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2"""
FIXED_AVERAGE = """    if window < 1:
        raise ValueError("window must be at least 1")
    averages = []
    for start in range(len(values) - window + 1):"""


def solve():
    """Yield one action per turn; receive what the environment answered."""
    seen = yield {"name": "read_file", "arguments": {"path": "stats.py"}}
    assert "def median" in seen
    failing = yield {"name": "bash", "arguments": {"command": "python3 -m unittest discover tests 2>&1 | tail -3"}}
    assert "FAILED" in failing
    for old, new in (
        ("    return sum(values) / len(values)\n", FIXED_MEAN + "\n"),
        ("    values.sort()\n    return values[len(values) // 2]\n", FIXED_MEDIAN + "\n"),
        ("max(set(values), key=values.count)", "max(values, key=values.count)"),
        ("    averages = []\n    for start in range(len(values) - window):", FIXED_AVERAGE),
    ):
        yield {"name": "edit_file", "arguments": {"path": "stats.py", "old": old, "new": new}}
    yield {"name": "run_tests", "arguments": {}}
    yield {"name": "submit", "arguments": {}}
