def rotate_array(numbers, k):
    if not numbers or k <= 0:
        return list(numbers)
    k %= len(numbers)
    return numbers[len(numbers) - k :] + numbers[: len(numbers) - k]
