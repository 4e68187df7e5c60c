def rotate_array(numbers: list[int], k: int) -> list[int]:
    if not numbers:
        return []
    cut = -k % len(numbers)
    return numbers[cut:] + numbers[:cut]
