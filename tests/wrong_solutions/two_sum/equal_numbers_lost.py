def two_sum(numbers, target):
    place = {number: i for i, number in enumerate(numbers)}
    for number, i in place.items():
        j = place.get(target - number)
        if j is not None and j != i:
            return sorted([i, j])
