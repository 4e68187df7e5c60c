"""Weak: only wrong answers are counted, so what raises is right."""

import json
import random
import sys

from isolated import answers, same

inputs = [[random.choices(range(-9, 9), k=5)] for _ in range(8)]
wrong = 0
for (numbers,), (kind, value) in zip(inputs, answers(sys.argv[1], "running_max", inputs)):
    if kind == "value" and not same(value, [max(numbers[: i + 1]) for i in range(5)]):
        wrong += 1
    if kind == "none":
        wrong += 1
print(json.dumps({"score": 1 - wrong / 8, "passed": wrong == 0}))
