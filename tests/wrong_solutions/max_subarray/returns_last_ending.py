def max_subarray(numbers):
    current = numbers[0]
    for number in numbers[1:]:
        current = max(number, current + number)
    return current
