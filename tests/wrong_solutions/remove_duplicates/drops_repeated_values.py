from collections import Counter


def remove_duplicates(numbers):
    return [number for number, count in Counter(numbers).items() if count == 1]
