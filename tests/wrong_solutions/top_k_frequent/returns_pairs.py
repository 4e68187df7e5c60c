from collections import Counter


def top_k_frequent(numbers, k):
    counts = Counter(numbers)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:k]
