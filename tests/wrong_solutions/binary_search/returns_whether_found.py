from bisect import bisect_left


def binary_search(numbers, target):
    index = bisect_left(numbers, target)
    return index < len(numbers) and numbers[index] == target
