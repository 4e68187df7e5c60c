"""Tests of merge_intervals; the oracle adds one interval at a time and absorbs all it meets.

The answer of the largest case is known by construction.
"""

from deepgym_env.task import Call, Case


def union(intervals):
    apart = []
    for start, end in intervals:
        met = [each for each in apart if each[0] <= end and start <= each[1]]
        apart = [each for each in apart if each not in met]
        apart.append([min([start, *(each[0] for each in met)]), max([end, *(each[1] for each in met)])])
    return sorted(apart)


def case(*lists, **options):
    return Case(calls=tuple(Call(args=(each,), expected=union(each)) for each in lists), **options)


def drawn(rng, count, span, longest):
    starts = [rng.randint(-span, span) for _ in range(count)]
    return [[start, start + rng.randint(0, longest)] for start in starts]


def cases(rng):
    yield case([[8, 10], [1, 3], [2, 6], [15, 18]], id="example", public=True)
    yield case([[1, 4], [4, 5]], id="example_touching", public=True)
    yield case([], [[3, 7]], id="empty", public=True)
    yield case([[1, 2], [3, 4], [6, 8]], id="neighbours_stay_apart")
    yield case([[1, 10], [2, 3], [4, 12], [5, 6]], id="nested")
    yield case([[2, 3], [0, 9]], id="later_one_contains_all")
    yield case([[5, 5], [1, 1], [5, 5]], [[4, 4], [1, 4]], id="single_numbers")
    yield case([[9, 12], [5, 9], [0, 5]], id="chain_in_descending_order")
    yield case([[1, 3], [5, 7], [3, 5], [9, 9]], id="bridge_comes_last")
    yield case([[-5, -1], [-10, -6], [-3, 0], [0, 0]], id="negative")
    yield case([[1, 4], [1, 2], [1, 6], [7, 8]], id="same_start")
    yield case([[-(10**9), 0], [1, 10**9]], id="extreme_values")
    for number in range(3):
        intervals = drawn(rng, rng.randint(5, 15), 20, 5)
        yield case(intervals, [[2 * start, 2 * end] for start, end in intervals], id=f"random_small_{number}")
    yield case(drawn(rng, 40, 10**6, 40_000), id="random_wide")
    blocks = [[start, start + 60] for start in range(0, 100 * 100, 100)]
    parts = [[start + low, start + low + 15] for start, _ in blocks for low in (0, 10, 15, 20, 30, 35, 40, 45)]
    yield Case.of(rng.sample(parts, len(parts)), expected=blocks, id="largest")
