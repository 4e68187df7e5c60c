def two_sum(numbers, target):
    place = {number: i for i, number in enumerate(numbers)}
    for i, number in enumerate(numbers):
        if target - number in place:
            return [i, place[target - number]]
