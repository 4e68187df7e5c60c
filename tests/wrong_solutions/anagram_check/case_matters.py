def anagram_check(first, second):
    return sorted(first.replace(" ", "")) == sorted(second.replace(" ", ""))
