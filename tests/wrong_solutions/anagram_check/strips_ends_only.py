def anagram_check(first, second):
    return sorted(first.strip().lower()) == sorted(second.strip().lower())
