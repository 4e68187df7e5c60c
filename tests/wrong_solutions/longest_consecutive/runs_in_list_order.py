def longest_consecutive(numbers):
    longest = current = 1 if numbers else 0
    for previous, number in zip(numbers, numbers[1:], strict=False):
        current = current + 1 if number == previous + 1 else 1
        longest = max(longest, current)
    return longest
