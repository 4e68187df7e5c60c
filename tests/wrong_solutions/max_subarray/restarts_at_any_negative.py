def max_subarray(numbers):
    best = max(numbers)
    total = 0
    for number in numbers:
        total = total + number if number > 0 else 0
        best = max(best, total or best)
    return best
