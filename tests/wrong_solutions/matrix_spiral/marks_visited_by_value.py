def matrix_spiral(matrix):
    rest, order = [list(row) for row in matrix], []
    while rest:
        for number in rest[0]:
            if number not in order:
                order.append(number)
        rest = [list(row) for row in zip(*rest[1:], strict=False)][::-1]
    return order
