def max_subarray(numbers):
    best = total = numbers[0]
    for number in numbers[1:]:
        total += number
        best = max(best, total)
    return best
