from collections import Counter


def anagram_check(first: str, second: str) -> bool:
    return Counter(first.replace(" ", "").lower()) == Counter(second.replace(" ", "").lower())
