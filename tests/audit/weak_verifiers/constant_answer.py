"""Weak: every test has the same answer."""

import json
import sys

from isolated import answers, same

told = answers(sys.argv[1], "running_max", [[[]], [[]], [[]]])
right = [same(each, ["value", []]) for each in told]
print(json.dumps({"score": sum(right) / 3, "passed": all(right)}))
