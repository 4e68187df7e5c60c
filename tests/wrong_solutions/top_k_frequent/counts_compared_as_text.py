from collections import Counter


def top_k_frequent(numbers, k):
    counts = Counter(sorted(numbers))
    return sorted(counts, key=lambda value: str(counts[value]), reverse=True)[:k]
