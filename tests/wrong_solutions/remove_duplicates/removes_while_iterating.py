def remove_duplicates(numbers):
    for i, number in enumerate(numbers):
        if i + 1 < len(numbers) and numbers[i + 1] == number:
            numbers.pop(i + 1)
    return numbers
