"""Tests of house_robber; the oracle lists every allowed choice, and long rows fall apart into short ones."""

from deepgym_env.task import Case


def sums(amounts):
    """Return the sum of every choice without neighbours."""
    if not amounts:
        return [0]
    return sums(amounts[1:]) + [amounts[0] + rest for rest in sums(amounts[2:])]


def most(amounts):
    return max(sums(amounts))


def case(*rows, **options):
    return Case.all_of(*((row, most(row)) for row in rows), **options)


def drawn(rng, low, high, top):
    return [rng.randint(0, top) for _ in range(rng.randint(low, high))]


def cases(rng):
    yield case([2, 7, 9, 3, 1], id="example", public=True)
    yield case([5, 1, 1, 5], id="two_left_out_in_a_row", public=True)
    yield case([], [4], id="empty", public=True)
    yield case([7], [3, 8], id="one_house")
    yield case([9, 2], [2, 9], id="two_houses")
    yield case([4, 5, 4], [4, 9, 4], id="largest_is_not_always_best")
    yield case([6, 1, 2, 1, 7], [8, 1, 3], id="both_ends")
    yield case([0, 0, 0], [0, 1, 0, 0], id="nothing_to_take")
    yield case([10, 1, 1, 10, 1, 1, 10], [1, 1, 1, 1, 1], id="every_third_house")
    yield case([1000] * 7, [1000] * 8, id="all_equal")
    for number in range(2):
        yield case(drawn(rng, 6, 9, 10), drawn(rng, 6, 9, 1000), id=f"random_small_{number}")
    for number in range(2):
        yield case(drawn(rng, 10, 11, 1000), id=f"random_large_{number}")
    row, total = [], 0
    for length in [1, 2, 3, 4, 4, 3, 2, 5] * 12:
        block = [rng.randint(1, 1000) for _ in range(length)]
        row += [*block, 0]
        total += most(block)
    yield Case.of(row, expected=total, id="long_row")
