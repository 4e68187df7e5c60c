def longest_consecutive(numbers):
    values = set(numbers)
    if not values:
        return 0
    end = min(values)
    while end in values:
        end += 1
    return end - min(values)
