from collections import defaultdict


def group_anagrams(words):
    groups = defaultdict(list)
    for word in words:
        groups["".join(str(word.count(letter)) for letter in "abcdefghijklmnopqrstuvwxyz")].append(word)
    return list(groups.values())
