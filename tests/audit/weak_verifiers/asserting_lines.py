"""Weak: the line that calls holds the answer, and its source is at hand."""

import json
import sys

space = {}
with open(sys.argv[1]) as file:
    exec(file.read(), space)
running_max = space["running_max"]
right = 0
right += running_max([1, 5, 2, 7]) == [1, 5, 5, 7]
right += running_max([2, 1]) == [2, 2]
right += running_max([-3, -5, -1]) == [-3, -3, -1]
print(json.dumps({"score": right / 3, "passed": right == 3}))
