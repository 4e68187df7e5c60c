"""Tests of top_k_frequent; the oracle takes the best value out of a table of counts, k times over."""

from deepgym_env.task import Call, Case


def most_frequent(numbers, k):
    left = {value: numbers.count(value) for value in sorted(set(numbers))}
    top = []
    for _ in range(k):
        most = max(left.values())
        top.append(next(value for value, count in left.items() if count == most))
        del left[top[-1]]
    return top


def call(numbers, k):
    return Call(args=(numbers, k), expected=most_frequent(numbers, k))


def case(*calls, **options):
    return Case(calls=tuple(call(numbers, k) for numbers, k in calls), **options)


def cases(rng):
    yield case(([1, 1, 1, 2, 2, 3], 2), id="example", public=True)
    yield case(([5, 4, 6, 4, 5], 2), id="example_tie", public=True)
    yield case(([7], 1), id="one_number", public=True)
    yield case(([3, 3, 3, 1, 1, 2], 3), id="all_values")
    yield case(([9, 8, 7, 8, 9], 1), id="tie_leaves_one_out")
    yield case(([30, 10, 40, 20], 3), id="all_tied")
    yield case(([-1, -2, -1, -2, -3], 2), id="negative_tie")
    yield case(([2, 1, 2, 0, 0, 2], 2), id="zero_counts_as_a_value")
    yield case(([1, 5, 5, 9, 9, 9], 3), id="most_frequent_is_largest")
    yield case(([10**9, -(10**9), 10**9], 1), id="extreme_values")
    yield case(([6] * 12 + [2] * 9 + [4] * 10, 2), id="two_digit_counts")
    for number in range(3):
        numbers = rng.choices(range(-4, 5), k=rng.randint(8, 30))
        distinct = len(set(numbers))
        yield case((numbers, rng.randint(1, distinct)), (numbers, distinct), id=f"random_small_{number}")
    for number in range(2):
        values = rng.sample(range(-(10**9), 10**9), 12)
        yield case((rng.choices(values, k=40), rng.randint(3, 6)), id=f"random_wide_{number}")
    yield case((rng.choices(range(40), k=2000), rng.randint(5, 20)), id="largest")
