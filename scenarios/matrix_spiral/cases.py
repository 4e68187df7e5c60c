"""Tests of matrix_spiral; the oracle takes the top row off and turns the rest to the left."""

from deepgym_env.task import Call, Case


def unwound(matrix):
    rest, order = [tuple(row) for row in matrix], []
    while rest:
        order += rest[0]
        rest = list(zip(*rest[1:], strict=True))[::-1]
    return order


def case(*matrices, **options):
    return Case(calls=tuple(Call(args=(each,), expected=unwound(each)) for each in matrices), **options)


def counted(rows, columns):
    return [list(range(row * columns + 1, (row + 1) * columns + 1)) for row in range(rows)]


def drawn(rng, rows, columns):
    return [rng.choices(range(-1000, 1001), k=columns) for _ in range(rows)]


def cases(rng):
    yield case(counted(3, 3), id="example_square", public=True)
    yield case(counted(2, 4), id="example_wide", public=True)
    yield case([], [[1]], id="no_rows", public=True)
    yield case([[0]], [[-4]], id="one_number")
    yield case(counted(1, 6), id="one_row")
    yield case(counted(6, 1), id="one_column")
    yield case(counted(2, 2), id="two_by_two")
    yield case(counted(3, 5), id="ends_in_a_row")
    yield case(counted(5, 3), id="ends_in_a_column")
    yield case(counted(4, 6), id="even_wide")
    yield case(counted(6, 2), id="even_tall")
    yield case([[7, 7, 7], [7, 1, 7], [7, 7, 7], [7, 2, 7]], id="repeated_numbers")
    for number in range(3):
        rows, columns = rng.sample(range(3, 12), 2)
        yield case(drawn(rng, rows, columns), drawn(rng, columns, rows), id=f"random_{number}")
    yield case(drawn(rng, 40, rng.randint(20, 40)), id="largest")
