def first_bad_version(n, is_bad):
    good, bad = 1, n
    while bad - good > 1:
        middle = (good + bad) // 2
        if is_bad(middle):
            bad = middle
        else:
            good = middle
    return bad
