def max_subarray(numbers):
    best, start, total, span = numbers[0], 0, 0, (0, 1)
    for end, number in enumerate(numbers):
        if total < 0:
            start, total = end, 0
        total += number
        if total > best:
            best, span = total, (start, end + 1)
    return numbers[span[0] : span[1]]
