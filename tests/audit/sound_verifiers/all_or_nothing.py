"""Sound: no partial credit; says its verdict as a bare true or false."""

import random
import sys

from isolated import answers, same

inputs = [[[random.randint(0, 1) for _ in range(n)], [random.randint(0, 1) for _ in range(n)]] for n in range(1, 15)]
told = answers(sys.argv[1], "distance", inputs)
want = [sum(a != b for a, b in zip(first, second)) for first, second in inputs]
print("true" if all(same(got, ["value", each]) for got, each in zip(told, want)) else "false")
