def rotate_array(numbers, k):
    return numbers[-k:] + numbers[:-k]
