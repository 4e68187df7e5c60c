"""Sound: fixed tests in a file that is gone before the solution runs."""

import json
import os
import sys

from isolated import answers, same

CASES = [([1, 5, 2, 7], [1, 5, 5, 7]), ([2, 1], [2, 2]), ([-3, -5, -1], [-3, -3, -1]), ([8, 8, 9], [8, 8, 9])]
os.unlink(__file__)
told = answers(sys.argv[1], "running_max", [[numbers] for numbers, _ in CASES])
right = [same(got, ["value", want]) for got, (_, want) in zip(told, CASES)]
print(json.dumps({"score": sum(right) / len(right), "passed": all(right)}))
