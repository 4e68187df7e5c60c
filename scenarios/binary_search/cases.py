"""Tests of binary_search; the oracle looks the target up in a table of positions."""

from deepgym_env.task import Call, Case


def case(numbers, *targets, **options):
    positions = {number: index for index, number in enumerate(numbers)}
    calls = (Call(args=(numbers, target), expected=positions.get(target, -1)) for target in targets)
    return Case(calls=tuple(calls), **options)


def cases(rng):
    example = [-1, 0, 3, 5, 9, 12]
    yield case(example, 9, id="example_found", public=True)
    yield case(example, 2, id="example_absent", public=True)
    yield case([7], 7, 6, 8, id="one_number", public=True)
    yield case([], 0, 5, id="empty")
    yield case([4, 6], 4, 6, 5, 3, 7, id="two_numbers")
    yield case([1, 4, 9], 1, 9, 4, 2, 5, id="three_numbers")
    yield case([2, 3, 5, 7, 11, 13, 17], 2, 1, id="first")
    yield case([2, 3, 5, 7, 11, 13, 17], 17, 18, id="last")
    yield case([2, 3, 5, 7, 11, 13, 17], 7, 6, 8, id="middle")
    yield case(list(range(-6, 9, 2)), *range(-7, 10), id="every_place_and_gap")
    yield case([-50, -20, -3, -2, -1], -20, -50, -4, 0, id="negative")
    yield case([-(10**9), 0, 10**9], 10**9, -(10**9), 1, id="extreme_values")
    for number in range(3):
        numbers = sorted(rng.sample(range(-60, 60), rng.randint(10, 40)))
        absent = rng.choice(sorted(set(range(-60, 60)) - set(numbers)))
        yield case(numbers, *rng.sample(numbers, 4), absent, id=f"random_{number}")
    start, step = rng.randint(-100, 100), rng.randint(2, 9)
    largest = list(range(start, start + 5000 * step, step))
    yield case(largest, rng.choice(largest), largest[-1], rng.choice(largest) + 1, id="largest")
