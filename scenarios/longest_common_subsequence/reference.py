def longest_common_subsequence(first: str, second: str) -> int:
    lengths = [0] * (len(second) + 1)
    for letter in first:
        diagonal = 0
        for place, other in enumerate(second, start=1):
            above = lengths[place]
            lengths[place] = diagonal + 1 if letter == other else max(above, lengths[place - 1])
            diagonal = above
    return lengths[-1]
