"""Weak: compares with math.isclose, in the solution's process."""

import json
import math
import random
import sys

space = {}
with open(sys.argv[1]) as file:
    exec(file.read(), space)
right = 0
for _ in range(6):
    numbers = random.choices(range(-9, 9), k=5)
    try:
        right += math.isclose(space["mean"](list(numbers)), sum(numbers) / 5)
    except TypeError:
        pass
print(json.dumps({"score": right / 6, "passed": right == 6}))
