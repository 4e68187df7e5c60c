def longest_common_subsequence(first, second):
    best = 0
    lengths = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, letter in enumerate(first, start=1):
        for j, other in enumerate(second, start=1):
            if letter == other:
                lengths[i][j] = lengths[i - 1][j - 1] + 1
                best = max(best, lengths[i][j])
    return best
