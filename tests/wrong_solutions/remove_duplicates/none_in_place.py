def remove_duplicates(numbers):
    write = 0
    for number in numbers:
        if write == 0 or numbers[write - 1] != number:
            numbers[write] = number
            write += 1
    del numbers[write:]
