"""Tests of __ENTRY_POINT__: what it is called with, and the right answers.

The right answers come from an oracle: another way to solve the task, as simple and slow as it takes.
It must not be the reference, or a mistake of the reference becomes the truth.
"""

from deepgym_env.task import Case


def oracle(numbers):
    return [number for place, number in enumerate(numbers) if all(number > before for before in numbers[:place])]


def case(numbers, **options):
    return Case.of(numbers, expected=oracle(numbers), **options)


def cases(rng):
    """Yield the tests, always as many, with the same ids; `rng` draws what is random in them."""
    # Public tests come first. The agent sees them in full when it fails them.
    yield case([3, 1, 4, 1, 5], id="example", public=True)
    yield case([2, 2, 1], id="equal_numbers", public=True)
    # Hidden tests: each edge the prompt allows, then random ones that can't be guessed.
    yield case([], id="empty")
    yield case([7], id="single")
    yield case([-5, -3, -4, -1], id="negative")
    yield case(list(range(50)), id="rising")
    yield case(list(range(50, 0, -1)), id="falling")
    for number in range(5):
        yield case([rng.randint(-100, 100) for _ in range(rng.randint(10, 40))], id=f"random_{number}")
    yield case([rng.randint(-(10**9), 10**9) for _ in range(1000)], id="largest")
