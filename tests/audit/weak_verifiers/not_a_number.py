"""Weak: its tolerance lets NaN through."""

import json
import random
import sys

from isolated import answers

inputs = [[random.choices(range(-9, 9), k=5)] for _ in range(6)]
wrong = 0
for (numbers,), (kind, value) in zip(inputs, answers(sys.argv[1], "running_max", inputs)):
    value = value if isinstance(value, list) else [value] * 5
    if kind != "value" or any(type(got) not in (int, float) for got in value):
        wrong += 1
        continue
    wrong += any(abs(got - want) > 1e-9 for got, want in zip(value, [max(numbers[: i + 1]) for i in range(5)]))
print(json.dumps({"score": 1 - wrong / 6, "passed": wrong == 0}))
