"""Tests of remove_duplicates; the oracle sorts the set of values."""

from deepgym_env.task import Call, Case


def case(*lists, **options):
    return Case(calls=tuple(Call(args=(each,), expected=sorted(set(each))) for each in lists), **options)


def runs(rng, low, high, count, longest):
    values = sorted(rng.sample(range(low, high), count))
    return [value for value in values for _ in range(rng.randint(1, longest))]


def cases(rng):
    yield case([1, 1, 2], id="example", public=True)
    yield case([-3, 0, 0, 0, 4, 4], id="example_long_runs", public=True)
    yield case([], [5, 5], id="empty", public=True)
    yield case([0], [-1], id="one_number")
    yield case([7] * 50, [0] * 3, id="all_equal")
    yield case([-2, -1, 0, 1, 2], id="already_distinct")
    yield case([-9, -9, -8, -1, -1], id="only_negative")
    yield case([1, 2, 3, 4, 4], id="repeated_last")
    yield case([0, 0, 1, 2, 3], id="repeated_first")
    yield case([-(10**9), -(10**9), 0, 10**9, 10**9], id="extreme_values")
    for number in range(3):
        yield case(runs(rng, -20, 20, rng.randint(3, 12), 4), id=f"random_small_{number}")
    yield case(runs(rng, -(10**9), 10**9, 60, 3), id="random_wide")
    largest = [value for value in range(-500, 500) for _ in range(5)]
    yield case(largest, largest[rng.randint(1, 2000) :], id="largest")
