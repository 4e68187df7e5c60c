"""Replaces the inner loops by slices and built-ins: faster by the clock, as many operations as before."""

MODULE = """
from operator import gt


def busiest_moment(sessions):
    best = None
    for time in sorted(start for start, end in sessions):
        count = sum([start <= time < end for start, end in sessions])
        if count and (best is None or count > best[1]):
            best = (time, count)
    return best


def rolling_peak(values, window):
    return [max(values[at : at + window]) for at in range(len(values) - window + 1)]


def close_pairs(times, gap):
    ordered = sorted(times)
    return sum(sum([later - time <= gap for later in ordered[at + 1 :]]) for at, time in enumerate(ordered))


def ranks(scores):
    return [1 + sum(map(gt, scores, [score] * len(scores))) for score in scores]


def range_totals(values, ranges):
    return [sum(values[begin:end]) for begin, end in ranges]


def next_higher(values):
    return [
        next((later for later in range(at + 1, len(values)) if values[later] > value), -1)
        for at, value in enumerate(values)
    ]
"""


def solve():
    yield {"name": "write_file", "arguments": {"path": "telemetry.py", "content": MODULE}}
    yield {"name": "run_tests", "arguments": {}}
    yield {"name": "submit", "arguments": {}}
