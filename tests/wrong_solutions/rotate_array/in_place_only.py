def rotate_array(numbers, k):
    if numbers:
        k %= len(numbers)
        numbers[:] = numbers[-k:] + numbers[:-k]
