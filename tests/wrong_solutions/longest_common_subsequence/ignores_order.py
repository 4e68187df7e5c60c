from collections import Counter


def longest_common_subsequence(first, second):
    return sum((Counter(first) & Counter(second)).values())
