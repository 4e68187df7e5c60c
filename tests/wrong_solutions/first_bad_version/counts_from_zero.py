def first_bad_version(n, is_bad):
    low, high = 0, n - 1
    while low < high:
        middle = (low + high) // 2
        if is_bad(middle):
            high = middle
        else:
            low = middle + 1
    return low
