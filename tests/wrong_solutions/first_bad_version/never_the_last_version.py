def first_bad_version(n, is_bad):
    for version in range(1, n):
        if is_bad(version):
            return version
    return -1
