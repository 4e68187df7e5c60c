def climbing_stairs(n):
    ways = [1, 1, 2]
    while len(ways) <= n:
        ways.append(ways[-1] + ways[-2] + ways[-3])
    return ways[n]
