def two_sum(numbers, target):
    place = {}
    for j, number in enumerate(numbers):
        if number > target:
            continue
        if target - number in place:
            return [place[target - number], j]
        place[number] = j
