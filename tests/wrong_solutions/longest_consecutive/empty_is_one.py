def longest_consecutive(numbers):
    ordered = sorted(set(numbers))
    longest = current = 1
    for previous, number in zip(ordered, ordered[1:], strict=False):
        current = current + 1 if number == previous + 1 else 1
        longest = max(longest, current)
    return longest
