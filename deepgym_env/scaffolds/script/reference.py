from collections import Counter


def __ENTRY_POINT__(numbers):
    counted = [number for number, times in Counter(numbers).most_common() for _ in range(times)]
    if counted and counted.count(counted[0]) > (len(counted) + 1) // 2:
        return []
    arranged = [0] * len(counted)
    arranged[::2] = counted[: (len(counted) + 1) // 2]
    arranged[1::2] = counted[(len(counted) + 1) // 2 :]
    return arranged
