"""Tests of max_subarray; the oracle holds each prefix sum against the least one before it."""

from itertools import accumulate

from deepgym_env.task import Call, Case


def largest_sum(numbers):
    sums = list(accumulate(numbers, initial=0))
    return max(after - before for after, before in zip(sums[1:], accumulate(sums[:-1], min), strict=True))


def case(*lists, **options):
    return Case(calls=tuple(Call(args=(each,), expected=largest_sum(each)) for each in lists), **options)


def cases(rng):
    yield case([-2, 1, -3, 4, -1, 2, 1, -5, 4], id="example", public=True)
    yield case([-3, -1, -2], id="all_negative", public=True)
    yield case([5], [-5], id="one_number", public=True)
    yield case([1, 2, 3, 4, 20], id="all_positive")
    yield case([0, -7, 0], [-7], id="zero_is_best")
    yield case([8, -19, 5, -4, 20], id="run_ends_at_the_end")
    yield case([9, 3, -20, 4, 5, -1], id="run_starts_at_the_start")
    yield case([10, -3, 10], id="worth_crossing_a_negative")
    yield case([10, -11, 10, 1], id="not_worth_crossing")
    yield case([-5, -2, -9, -4, -2], id="all_negative_repeated_best")
    yield case([10**9, 10**9, -(10**9), 10**9], id="large_values")
    for number in range(3):
        numbers = [rng.randint(-30, 30) for _ in range(rng.randint(5, 25))]
        yield case(numbers, [-each for each in numbers], id=f"random_small_{number}")
    yield case([rng.randint(-(10**6), -1) for _ in range(20)], id="random_negative")
    yield case(rng.choices(range(-1000, 1001), k=2000), id="largest")
