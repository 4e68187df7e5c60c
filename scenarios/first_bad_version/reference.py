from collections.abc import Callable


def first_bad_version(n: int, is_bad: Callable[[int], bool]) -> int:
    low, high = 1, n
    while low < high:
        middle = (low + high) // 2
        if is_bad(middle):
            high = middle
        else:
            low = middle + 1
    return low
