"""Statistics over lists of numbers."""


def mean(values):
    """Return the arithmetic mean; raise ValueError for an empty list."""
    return sum(values) / len(values)


def median(values):
    """Return the median without changing ``values``; raise ValueError for an empty list.

    Of an even number of values it is the mean of the two in the middle.
    """
    values.sort()
    return values[len(values) // 2]


def mode(values):
    """Return the most frequent value; of several the one that comes first in the list.

    Raise ValueError for an empty list.
    """
    if not values:
        raise ValueError("mode of no values")
    return max(set(values), key=values.count)


def moving_average(values, window):
    """Return the means of every run of ``window`` values, in order.

    The result has ``len(values) - window + 1`` items, and is empty if ``window`` is larger
    than the list. Raise ValueError if ``window`` is less than 1.
    """
    averages = []
    for start in range(len(values) - window):
        averages.append(sum(values[start : start + window]) / window)
    return averages
