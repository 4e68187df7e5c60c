def climbing_stairs(n):
    ways = [1] + [0] * n
    for move in (1, 2):
        for stair in range(move, n + 1):
            ways[stair] += ways[stair - move]
    return ways[n]
