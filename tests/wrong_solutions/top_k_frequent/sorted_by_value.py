from collections import Counter


def top_k_frequent(numbers, k):
    counts = Counter(numbers)
    return sorted(sorted(counts, key=lambda value: (-counts[value], value))[:k])
