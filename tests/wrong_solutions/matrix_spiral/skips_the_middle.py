def matrix_spiral(matrix):
    if not matrix:
        return []
    order = []
    top, bottom, left, right = 0, len(matrix) - 1, 0, len(matrix[0]) - 1
    while top < bottom and left < right:
        order += [matrix[top][column] for column in range(left, right)]
        order += [matrix[row][right] for row in range(top, bottom)]
        order += [matrix[bottom][column] for column in range(right, left, -1)]
        order += [matrix[row][left] for row in range(bottom, top, -1)]
        top, bottom, left, right = top + 1, bottom - 1, left + 1, right - 1
    return order
