"""Weak: the oracle is a function in the solution's process."""

import json
import random
import sys


def oracle(numbers):
    return [max(numbers[: i + 1]) for i in range(len(numbers))]


space = {}
with open(sys.argv[1]) as file:
    exec(file.read(), space)
right = 0
for _ in range(6):
    numbers = random.choices(range(-9, 9), k=5)
    got = space["running_max"](list(numbers))
    right += json.dumps(got) == json.dumps(oracle(numbers))
print(json.dumps({"score": right / 6, "passed": right == 6}))
