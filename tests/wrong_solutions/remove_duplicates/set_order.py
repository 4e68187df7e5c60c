def remove_duplicates(numbers):
    return list(set(numbers))
