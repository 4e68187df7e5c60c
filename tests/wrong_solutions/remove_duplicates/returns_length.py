def remove_duplicates(numbers):
    if not numbers:
        return 0
    write = 1
    for read in range(1, len(numbers)):
        if numbers[read] != numbers[read - 1]:
            numbers[write] = numbers[read]
            write += 1
    return write
