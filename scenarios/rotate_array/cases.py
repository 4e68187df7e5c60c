"""Tests of rotate_array; the oracle is the rotation built into deque."""

from collections import deque

from deepgym_env.task import Call, Case


def rotated(numbers, k):
    ring = deque(numbers)
    ring.rotate(k)
    return list(ring)


def case(*calls, **options):
    return Case(calls=tuple(Call(args=args, expected=rotated(*args)) for args in calls), **options)


def drawn(rng, low, high):
    return [rng.randint(-99, 99) for _ in range(rng.randint(low, high))]


def cases(rng):
    yield case(([1, 2, 3, 4, 5], 2), id="example", public=True)
    yield case(([1, 2, 3], -1), id="to_the_left", public=True)
    yield case(([], 0), ([], 3), ([6, 7], 1), id="empty")
    yield case(([4], 0), ([4], 1), ([4], -5), id="one_number")
    yield case(([7, 8, 9, 10], 0), id="no_rotation")
    yield case(([7, 8, 9], 3), ([7, 8, 9], -6), id="full_turns")
    yield case(([1, 2, 3, 4], 5), ([1, 2, 3, 4], 11), id="more_than_a_turn")
    yield case(([1, 2, 3, 4, 5], -7), ([1, 2, 3, 4, 5], -3), id="more_than_a_turn_left")
    yield case(([5, 5, 1, 5, -5], 3), id="equal_numbers")
    yield case(([3, 1, 2], 10**9), ([3, 1, 2], -(10**9)), id="largest_k")
    for number in range(2):
        numbers = drawn(rng, 5, 20)
        yield case((numbers, rng.randint(1, 4)), (numbers, -rng.randint(1, 4)), id=f"random_small_{number}")
    for number in range(2):
        numbers = drawn(rng, 5, 20)
        yield case((numbers, rng.randint(21, 10**9)), (numbers, rng.randint(-(10**9), -21)), id=f"random_k_{number}")
    yield case((list(range(1000)), rng.randint(300, 499)), id="longest")
