def longest_consecutive(numbers):
    if not numbers:
        return 0
    ordered = sorted(set(numbers))
    longest = current = 1
    for previous, number in zip(ordered, ordered[1:], strict=False):
        if number == previous + 1:
            current += 1
        else:
            longest = max(longest, current)
            current = 1
    return longest
