"""Tests of longest_consecutive; the oracle groups the sorted distinct values by value minus rank."""

from collections import Counter

from deepgym_env.task import Call, Case


def longest_run(numbers):
    return max(Counter(value - rank for rank, value in enumerate(sorted(set(numbers)))).values(), default=0)


def case(*lists, **options):
    return Case(calls=tuple(Call(args=(each,), expected=longest_run(each)) for each in lists), **options)


def shuffled(rng, numbers):
    return rng.sample(numbers, len(numbers))


def with_run(rng, length):
    start = rng.randint(-50, 50)
    noise = [rng.randint(-80, 80) for _ in range(15)]
    return shuffled(rng, [*range(start, start + length), *noise])


def cases(rng):
    yield case([100, 4, 200, 1, 3, 2], id="example", public=True)
    yield case([9, 10, 10, 11], id="example_repeated", public=True)
    yield case([], [6], id="empty", public=True)
    yield case([0], [-1, 0], id="around_zero")
    yield case([3, 3, 3, 3], [3, 3, 4, 4], id="all_equal")
    yield case([10, 30, 20, 50], [10, 30, 11, 50], id="no_neighbours")
    yield case([-2, -1, 1, 2, 3, -3, 0], id="across_zero")
    yield case([-5, -7, -6, -9, -8, 4, 5], id="negative_run")
    yield case([1, 2, 0, 1, 2, 3, 3], [5, 1, 2, 6, 9, 7, 8], id="duplicates_inside_run")
    yield case([20, 1, 2, 3, 18, 19, 17, 16, 15], id="run_of_largest_values")
    yield case([1, 2, 3, 4, 5, 9, 10, 11], [5, 4, 3, 2, 9, 11, 10], [0, 2, 3, 4, 6], id="sorted_either_way")
    yield case([10**9, 10**9 - 1, -(10**9), 10**9 - 2], id="extreme_values")
    for number in range(3):
        numbers = with_run(rng, rng.randint(4, 12))
        yield case(numbers, [2 * each for each in numbers], id=f"random_{number}")
    first, step = rng.randint(-(10**9), 10**9 - 10_007), rng.randint(2000, 8000)
    largest = [first + step * place % 10_007 for place in range(10_007)]
    yield Case.of(largest, expected=10_007, id="largest")
