"""Weak: compares with ==, which the solution's object answers."""

import json
import random
import sys

space = {}
with open(sys.argv[1]) as file:
    exec(file.read(), space)
right = 0
for _ in range(10):
    numbers = [random.randint(-9, 9) for _ in range(5)]
    right += bool(space["running_max"](list(numbers)) == [max(numbers[: i + 1]) for i in range(5)])
print(json.dumps({"score": right / 10, "passed": right == 10}))
