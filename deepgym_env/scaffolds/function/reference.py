def __ENTRY_POINT__(numbers):
    found = []
    for number in numbers:
        if not found or number > found[-1]:
            found.append(number)
    return found
