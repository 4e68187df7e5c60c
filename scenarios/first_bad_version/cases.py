"""Tests of first_bad_version; the answers are known by construction.

The case ``efficiency`` has n = 2**13 versions: a bisection then spends 13 queries wherever the
first bad version is, so that luck doesn't enter the score.
"""

from deepgym_env.task import Call, Case, Query


def call(n, first_bad):
    return Call(args=(n, Query(lambda version: version >= first_bad)), expected=first_bad)


def case(*calls, **options):
    return Case(calls=tuple(call(n, first_bad) for n, first_bad in calls), **options)


def bisection_queries(n, first_bad):
    """Count the queries of the reference."""
    low, high, queries = 1, n, 0
    while low < high:
        middle = (low + high) // 2
        queries += 1
        if middle >= first_bad:
            high = middle
        else:
            low = middle + 1
    return queries


def cases(rng):
    yield case((5, 4), id="example", public=True)
    yield case((1, 1), (2, 2), id="one_version", public=True)
    yield case((8, 1), (8, 8), id="first_or_last", public=True)
    yield case((2, 1), (2, 2), id="two_versions")
    yield case((3, 1), (3, 2), (3, 3), id="three_versions")
    yield case(*((7, first_bad) for first_bad in range(1, 8)), id="every_place_of_seven")
    yield case(*((10, first_bad) for first_bad in range(1, 11)), id="every_place_of_ten")
    yield case((100, 50), (100, 51), id="middle_of_even")
    yield case((101, 50), (101, 51), (101, 52), id="middle_of_odd")
    yield case((5000, 1), id="all_bad")
    yield case((5000, 5000), id="only_the_last_bad")
    yield case((1024, 2), (1024, 1023), id="next_to_an_end")
    for number in range(3):
        n = rng.randint(20, 2000)
        first, second = rng.sample(range(1, n + 1), 2)
        yield case((n, first), (n, second), id=f"random_{number}")
    n, first_bad = 2**13, rng.randint(3000, 6000)
    yield case((n, first_bad), id="efficiency", budget=bisection_queries(n, first_bad))
