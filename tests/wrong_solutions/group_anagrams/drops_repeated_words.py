from collections import defaultdict


def group_anagrams(words):
    groups = defaultdict(set)
    for word in words:
        groups["".join(sorted(word))].add(word)
    return [list(group) for group in groups.values()]
