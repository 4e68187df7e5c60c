"""Sound: random inputs, plain data from a process of its own, exact comparison."""

import json
import random
import sys

from isolated import answers, same

inputs = [[random.choices(range(-99, 99), k=random.randint(2, 9))] for _ in range(12)]
told = answers(sys.argv[1], "running_max", inputs)
right = 0
for (numbers,), got in zip(inputs, told):
    largest, want = numbers[0], []
    for number in numbers:
        largest = number if number > largest else largest
        want.append(largest)
    right += same(got, ["value", want])
print(json.dumps({"score": right / 12, "passed": right == 12}))
