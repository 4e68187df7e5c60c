"""Tests of fizzbuzz; the oracle lays a repeating pattern of fifteen words over the numbers."""

from itertools import cycle

from deepgym_env.task import Case

FIFTEEN = ("", "", "Fizz", "", "Buzz", "Fizz", "", "", "Fizz", "Buzz", "", "Fizz", "", "", "FizzBuzz")


def spoken(n):
    return [word or str(number) for number, word in zip(range(1, n + 1), cycle(FIFTEEN), strict=False)]


def case(*sizes, **options):
    return Case.all_of(*((n, spoken(n)) for n in sizes), **options)


def cases(rng):
    yield case(5, id="example", public=True)
    yield case(0, id="empty", public=True)
    yield case(15, id="first_fizzbuzz", public=True)
    yield case(1, id="one")
    yield case(2, id="no_word_yet")
    yield case(3, id="ends_with_fizz")
    yield case(14, 16, id="around_fizzbuzz")
    yield case(30, id="second_fizzbuzz")
    yield case(100, id="hundred")
    for number, n in enumerate(rng.sample(range(31, 100), 3)):
        yield case(n, id=f"random_small_{number}")
    yield case(rng.randint(101, 500), id="random_large")
    yield case(1000, id="largest")
