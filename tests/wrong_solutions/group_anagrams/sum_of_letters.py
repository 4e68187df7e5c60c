from collections import defaultdict


def group_anagrams(words):
    groups = defaultdict(list)
    for word in words:
        groups[len(word), sum(map(ord, word))].append(word)
    return list(groups.values())
