from bisect import bisect_left


def binary_search(numbers, target):
    return bisect_left(numbers, target)
