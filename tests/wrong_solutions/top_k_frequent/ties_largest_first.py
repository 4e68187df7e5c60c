from collections import Counter


def top_k_frequent(numbers, k):
    counts = Counter(numbers)
    return sorted(counts, key=lambda value: (counts[value], value), reverse=True)[:k]
