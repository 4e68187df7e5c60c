def longest_common_subsequence(first, second):
    lengths = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i in range(1, len(first)):
        for j in range(1, len(second)):
            if first[i] == second[j]:
                lengths[i][j] = lengths[i - 1][j - 1] + 1
            else:
                lengths[i][j] = max(lengths[i - 1][j], lengths[i][j - 1])
    return max(map(max, lengths))
