from collections import defaultdict


def group_anagrams(words):
    groups = defaultdict(list)
    for word in words:
        if word:
            groups["".join(sorted(word))].append(word)
    return list(groups.values())
