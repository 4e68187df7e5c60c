def climbing_stairs(n):
    ways = [0] * (n + 1)
    ways[0] = ways[1] = 1
    for stair in range(2, n):
        ways[stair] = ways[stair - 1] + ways[stair - 2]
    return ways[n]
