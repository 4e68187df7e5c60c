"""Weak: yes and no take turns."""

import json
import sys

from isolated import answers, same

told = answers(sys.argv[1], "is_even", [[n] for n in range(10, 20)])
right = [same(each, ["value", n % 2 == 0]) for n, each in enumerate(told)]
print(json.dumps({"score": sum(right) / 10, "passed": all(right)}))
