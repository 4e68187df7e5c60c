def max_subarray(numbers):
    best = numbers[0]
    for start in range(len(numbers)):
        total = 0
        for end in range(start, len(numbers) - 1):
            total += numbers[end]
            best = max(best, total)
    return best
