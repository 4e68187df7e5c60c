def two_sum(numbers, target):
    place = {}
    for j, number in enumerate(numbers):
        if target - number in place:
            return [j, place[target - number]]
        place[number] = j
