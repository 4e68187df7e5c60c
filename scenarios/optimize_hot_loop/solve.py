"""Reads the module, rewrites it with better algorithms, and compares with the old one."""

FAST = '''"""Figures over the telemetry of a fleet of machines."""

from bisect import bisect_right
from collections import deque
from itertools import accumulate


def busiest_moment(sessions):
    """Return ``(time, count)`` of the earliest moment at which the most sessions are open, or None."""
    events = [(start, 1) for start, end in sessions if start < end]
    events += [(end, 0) for start, end in sessions if start < end]
    best, count = None, 0
    for time, opens in sorted(events):
        count += 1 if opens else -1
        if opens and (best is None or count > best[1]):
            best = (time, count)
    return best


def rolling_peak(values, window):
    """Return the largest of every ``window`` values in a row."""
    peaks, candidates = [], deque()
    for at, value in enumerate(values):
        while candidates and candidates[-1][1] <= value:
            candidates.pop()
        candidates.append((at, value))
        if candidates[0][0] <= at - window:
            candidates.popleft()
        if at >= window - 1:
            peaks.append(candidates[0][1])
    return peaks


def close_pairs(times, gap):
    """Return how many pairs of events are at most ``gap`` apart."""
    ordered = sorted(times)
    count = first = 0
    for at, time in enumerate(ordered):
        while time - ordered[first] > gap:
            first += 1
        count += at - first
    return count


def ranks(scores):
    """Return the rank of every score."""
    ordered = sorted(scores)
    return [len(ordered) + 1 - bisect_right(ordered, score) for score in scores]


def range_totals(values, ranges):
    """Return the sum of ``values[begin:end]`` for every range."""
    sums = [0, *accumulate(values)]
    return [sums[end] - sums[begin] for begin, end in ranges]


def next_higher(values):
    """Return for every value the index of the next one that is higher, or -1."""
    result, waiting = [-1] * len(values), []
    for at, value in enumerate(values):
        while waiting and values[waiting[-1]] < value:
            result[waiting.pop()] = at
        waiting.append(at)
    return result
'''
COMPARE = """
import random, sys
sys.path[:0] = ["/tmp", "/workspace"]
import before, telemetry as after
rng = random.Random(1)
for _ in range(300):
    n = rng.randint(0, 12)
    some = [rng.randint(-9, 9) for _ in range(n)]
    ranges = [tuple(sorted((rng.randint(0, n), rng.randint(0, n)))) for _ in range(5)]
    sessions = [(rng.randint(0, 9), rng.randint(0, 9)) for _ in range(n)]
    for name, arguments in (
        ("busiest_moment", [sessions]), ("rolling_peak", [some, rng.randint(1, 5)]), ("ranks", [some]),
        ("close_pairs", [some, rng.randint(0, 5)]), ("range_totals", [some, ranges]), ("next_higher", [some]),
    ):
        assert getattr(before, name)(*arguments) == getattr(after, name)(*arguments), (name, arguments)
print("alike")
"""


def solve():
    """Yield one action per turn; receive what the environment answered."""
    seen = yield {"name": "read_file", "arguments": {"path": "telemetry.py"}}
    assert "def next_higher" in seen
    yield {"name": "bash", "arguments": {"command": "cp telemetry.py /tmp/before.py"}}
    yield {"name": "write_file", "arguments": {"path": "telemetry.py", "content": FAST}}
    seen = yield {"name": "bash", "arguments": {"command": "python3 - <<'END'\n" + COMPARE + "END"}}
    assert "alike" in seen
    yield {"name": "run_tests", "arguments": {}}
    yield {"name": "submit", "arguments": {}}
