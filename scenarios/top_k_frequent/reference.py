from collections import Counter


def top_k_frequent(numbers: list[int], k: int) -> list[int]:
    counts = Counter(numbers)
    return sorted(counts, key=lambda value: (-counts[value], value))[:k]
