"""Figures over the telemetry of a fleet of machines.

Correct, and far too slow: the nightly job calls these functions with up to 100,000 values.
"""


def busiest_moment(sessions):
    """Return ``(time, count)`` of the moment at which the most sessions are open.

    A session ``(start, end)`` is open from ``start`` up to, and without, ``end``; one that ends when
    it starts is never open. Of several such moments it is the earliest. Without any open
    session it is None.
    """
    best = None
    for time, _ in sessions:
        count = 0
        for start, end in sessions:
            if start <= time < end:
                count += 1
        if count > 0 and (best is None or count > best[1] or (count == best[1] and time < best[0])):
            best = (time, count)
    return best


def rolling_peak(values, window):
    """Return the largest of every ``window`` values in a row, in order; empty if there are fewer values.

    ``window`` is at least 1.
    """
    peaks = []
    for begin in range(len(values) - window + 1):
        peak = values[begin]
        for at in range(begin, begin + window):
            if values[at] > peak:
                peak = values[at]
        peaks.append(peak)
    return peaks


def close_pairs(times, gap):
    """Return how many pairs of events are at most ``gap`` apart; ``times`` are in any order.

    ``gap`` may be 0, and of equal times each is an event of its own.
    """
    count = 0
    for first in range(len(times)):
        for second in range(first + 1, len(times)):
            if abs(times[first] - times[second]) <= gap:
                count += 1
    return count


def ranks(scores):
    """Return the rank of every score, in the order given: 1 + how many scores are higher."""
    result = []
    for score in scores:
        rank = 1
        for other in scores:
            if other > score:
                rank += 1
        result.append(rank)
    return result


def range_totals(values, ranges):
    """Return the sum of ``values[begin:end]`` for every ``(begin, end)``, 0 <= begin <= end <= len(values)."""
    totals = []
    for begin, end in ranges:
        total = 0
        for at in range(begin, end):
            total += values[at]
        totals.append(total)
    return totals


def next_higher(values):
    """Return for every value the index of the next one that is higher, or -1."""
    result = []
    for at in range(len(values)):
        found = -1
        for later in range(at + 1, len(values)):
            if values[later] > values[at]:
                found = later
                break
        result.append(found)
    return result
