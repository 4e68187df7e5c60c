def anagram_check(first, second):
    a, b = first.replace(" ", "").lower(), second.replace(" ", "").lower()
    return len(a) == len(b) and sum(map(ord, a)) == sum(map(ord, b))
