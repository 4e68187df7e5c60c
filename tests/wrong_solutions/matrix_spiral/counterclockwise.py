def matrix_spiral(matrix):
    rest, order = [list(column) for column in zip(*matrix, strict=False)], []
    while rest:
        order += rest[0]
        rest = [list(row) for row in zip(*rest[1:], strict=False)][::-1]
    return order
