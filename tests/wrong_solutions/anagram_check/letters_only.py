def anagram_check(first, second):
    return sorted(c for c in first.lower() if c.isalpha()) == sorted(c for c in second.lower() if c.isalpha())
