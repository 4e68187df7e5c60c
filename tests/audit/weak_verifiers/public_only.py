"""Weak: tests nothing but the examples of the task's text."""

import json
import os
import sys

from isolated import answers, same

os.unlink(__file__)
told = answers(sys.argv[1], "running_max", [[[3, 1, 4]], [[2, 2]]])
right = [same(told[0], ["value", [3, 3, 4]]), same(told[1], ["value", [2, 2]])]
print(json.dumps({"score": sum(right) / 2, "passed": all(right)}))
