def rotate_array(numbers, k):
    k %= len(numbers)
    return numbers[-k:] + numbers[:-k]
