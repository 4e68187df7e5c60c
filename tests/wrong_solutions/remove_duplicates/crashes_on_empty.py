def remove_duplicates(numbers):
    distinct = [numbers[0]]
    for number in numbers[1:]:
        if number != distinct[-1]:
            distinct.append(number)
    return distinct
