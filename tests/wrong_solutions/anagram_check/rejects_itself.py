def anagram_check(first, second):
    a, b = first.replace(" ", "").lower(), second.replace(" ", "").lower()
    return a != b and sorted(a) == sorted(b)
