def merge_intervals(intervals):
    ordered = sorted(intervals)
    merged = []
    for i, (start, end) in enumerate(ordered):
        if i and start <= ordered[i - 1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged
