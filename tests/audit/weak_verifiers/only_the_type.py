"""Weak: looks at the type and the length of the answer, and at nothing else."""

import json
import sys

from isolated import answers

told = answers(sys.argv[1], "running_max", [[[5, 3]], [[1, 2]]])
right = [kind == "value" and isinstance(value, list) and len(value) == 2 for kind, value in told]
print(json.dumps({"score": sum(right) / 2, "passed": all(right)}))
