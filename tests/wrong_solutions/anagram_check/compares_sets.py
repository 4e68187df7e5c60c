def anagram_check(first, second):
    return set(first.replace(" ", "").lower()) == set(second.replace(" ", "").lower())
