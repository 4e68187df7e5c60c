def longest_common_subsequence(first, second):
    best = [""] * (len(second) + 1)
    for letter in first:
        row = [""]
        for j, other in enumerate(second, start=1):
            row.append(best[j - 1] + letter if letter == other else max(best[j], row[j - 1], key=len))
        best = row
    return best[-1]
