"""Tests of two_sum; the oracle tries every pair, and the long lists hold one odd number among even ones."""

from itertools import combinations

from deepgym_env.task import Call, Case


def pairs(numbers, target):
    places = combinations(range(len(numbers)), 2)
    return [[i, j] for i, j in places if numbers[i] + numbers[j] == target]


def call(numbers, target):
    (only,) = pairs(numbers, target)
    return Call(args=(numbers, target), expected=only)


def case(*calls, **options):
    return Case(calls=tuple(call(numbers, target) for numbers, target in calls), **options)


def drawn(rng, low, high):
    """Return numbers and a target that just one pair reaches."""
    while True:
        numbers = [rng.randint(low, high) for _ in range(rng.randint(6, 12))]
        target = sum(rng.sample(numbers, 2))
        if len(pairs(numbers, target)) == 1:
            return numbers, target


def cases(rng):
    yield case(([2, 7, 11, 15], 9), id="example", public=True)
    yield case(([3, 1, 4], 5), ([3, 2, 7, 4], 6), id="no_position_twice", public=True)
    yield case(([8, -3], 5), ([4, 1, 9], 10), id="two_numbers")
    yield case(([3, 3], 6), ([5, 1, 5], 10), id="equal_numbers")
    yield case(([9, 4, 4, 1, 2], 8), id="equal_numbers_inside")
    yield case(([6, 1, 8, 2, 5], 11), id="first_and_last")
    yield case(([-5, -2, -1, -9], -11), id="negative_numbers")
    yield case(([0, 4, 3, 0], 0), ([7, 0, -3, 1], -3), id="zeros")
    yield case(([10, -10, 40, 3, 70, -60], -20), id="number_above_target")
    yield case(([1, 1, 2, 6, 2, 3], 9), id="repeats_that_do_not_matter")
    for number in range(2):
        yield case(drawn(rng, -9, 9), drawn(rng, -9, 9), id=f"random_small_{number}")
    for number in range(2):
        yield case(drawn(rng, -(10**6), 10**6), drawn(rng, 1, 40), id=f"random_large_{number}")
    start = rng.randrange(-(10**6), -(10**5), 2)
    numbers = list(range(start, start + 40_000, 2))
    i, j = rng.randint(15_000, 16_999), rng.randint(17_000, 19_999)
    numbers[j] = rng.randrange(1, 10**6, 2)
    yield Case.of(numbers, numbers[i] + numbers[j], expected=[i, j], id="largest")
