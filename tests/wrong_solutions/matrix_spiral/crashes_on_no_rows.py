def matrix_spiral(matrix):
    rows, columns = len(matrix), len(matrix[0])
    seen, order = set(), []
    row, column, step = 0, 0, (0, 1)
    for _ in range(rows * columns):
        order.append(matrix[row][column])
        seen.add((row, column))
        below, beside = row + step[0], column + step[1]
        if not (0 <= below < rows and 0 <= beside < columns) or (below, beside) in seen:
            step = step[1], -step[0]
        row, column = row + step[0], column + step[1]
    return order
