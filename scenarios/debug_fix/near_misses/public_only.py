"""Fixes what the public tests show and nothing else."""


def solve():
    new = "    ordered = sorted(values)\n    middle = len(ordered) // 2\n"
    new += "    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2\n"
    old = "    values.sort()\n    return values[len(values) // 2]\n"
    yield {"name": "edit_file", "arguments": {"path": "stats.py", "old": old, "new": new}}
    old = "range(len(values) - window)"
    yield {"name": "edit_file", "arguments": {"path": "stats.py", "old": old, "new": "range(len(values) - window + 1)"}}
    yield {"name": "submit", "arguments": {}}
