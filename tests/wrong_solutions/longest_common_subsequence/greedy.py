def longest_common_subsequence(first, second):
    length = start = 0
    for letter in first:
        place = second.find(letter, start)
        if place >= 0:
            length, start = length + 1, place + 1
    return length
