from collections import Counter


def top_k_frequent(numbers, k):
    return [value for value, _ in Counter(numbers).most_common(k)]
