def binary_search(numbers: list[int], target: int) -> int:
    low, high = 0, len(numbers)
    while low < high:
        middle = (low + high) // 2
        if numbers[middle] < target:
            low = middle + 1
        else:
            high = middle
    return low if low < len(numbers) and numbers[low] == target else -1
