def climbing_stairs(n: int) -> int:
    ways, ways_one_higher = 1, 1
    for _ in range(n):
        ways, ways_one_higher = ways_one_higher, ways + ways_one_higher
    return ways
