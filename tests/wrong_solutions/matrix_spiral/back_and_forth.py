def matrix_spiral(matrix):
    order = []
    for number, row in enumerate(matrix):
        order += row if number % 2 == 0 else row[::-1]
    return order
