def anagram_check(first, second):
    a, b = first.replace(" ", "").lower(), second.replace(" ", "").lower()
    return all(b.count(c) >= a.count(c) for c in set(a))
