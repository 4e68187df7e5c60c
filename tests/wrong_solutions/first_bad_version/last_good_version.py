def first_bad_version(n, is_bad):
    low, high = 0, n
    while high - low > 1:
        middle = (low + high) // 2
        if is_bad(middle):
            high = middle
        else:
            low = middle
    return low
