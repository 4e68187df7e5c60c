"""Tests of climbing_stairs; the oracle picks which of the moves are double ones (binomials)."""

from math import comb

from deepgym_env.task import Case


def ways(n):
    return sum(comb(n - double, double) for double in range(n // 2 + 1))


def case(*sizes, **options):
    return Case.all_of(*((n, ways(n)) for n in sizes), **options)


def cases(rng):
    yield case(3, 4, id="example", public=True)
    yield case(0, 2, id="no_stairs", public=True)
    yield case(1, 3, id="one_stair")
    yield case(2, id="two_stairs")
    yield case(5, 6, 7, id="small")
    yield case(10, id="ten")
    yield case(30, id="thirty")
    yield case(rng.randint(8, 14), rng.randint(15, 20), id="random_small_0")
    yield case(rng.randint(8, 14), rng.randint(15, 20), id="random_small_1")
    yield case(rng.randint(21, 29), rng.randint(31, 40), id="random_medium")
    yield case(rng.randint(50, 59), rng.randint(60, 69), id="random_large")
    yield case(rng.randint(76, 82), rng.randint(83, 89), id="random_beyond_floats")
    yield case(90, id="largest")
