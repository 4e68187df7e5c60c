def two_sum(numbers: list[int], target: int) -> list[int]:
    place: dict[int, int] = {}
    for j, number in enumerate(numbers):
        if target - number in place:
            return [place[target - number], j]
        place[number] = j
    raise ValueError("no two numbers add up to the target")
