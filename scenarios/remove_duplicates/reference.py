def remove_duplicates(numbers: list[int]) -> list[int]:
    distinct: list[int] = []
    for number in numbers:
        if not distinct or distinct[-1] != number:
            distinct.append(number)
    return distinct
