def rotate_array(numbers, k):
    if not numbers:
        return []
    k %= len(numbers)
    return numbers[-k:] + numbers[: len(numbers) - k]
