def longest_common_subsequence(first, second):
    lengths = [0] * (len(second) + 1)
    for letter in first:
        for j, other in enumerate(second, start=1):
            if letter == other:
                lengths[j] = lengths[j - 1] + 1
            else:
                lengths[j] = max(lengths[j], lengths[j - 1])
    return lengths[-1]
