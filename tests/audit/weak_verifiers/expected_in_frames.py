"""Weak: runs the solution in its own process, with the expected values in its frames."""

import json
import sys

CASES = [([1, 5, 2, 7], [1, 5, 5, 7]), ([2, 1], [2, 2]), ([-3, -5, -1], [-3, -3, -1])]


def check(function, numbers, expected):
    try:
        return json.dumps(function(list(numbers))) == json.dumps(expected)
    except BaseException:
        return False


space = {}
with open(sys.argv[1]) as file:
    exec(file.read(), space)
right = [check(space["running_max"], numbers, expected) for numbers, expected in CASES]
print(json.dumps({"score": sum(right) / len(right), "passed": all(right)}))
