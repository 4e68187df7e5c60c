def two_sum(numbers, target):
    place = {}
    for j, number in enumerate(numbers):
        if place.get(target - number):
            return [place[target - number], j]
        place[number] = j
