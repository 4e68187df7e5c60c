"""Weak: imports the solution first, to see that it is one, and then tests it in a process of its own."""

import json
import subprocess
import sys

TEST = """
import json, random
from solution import running_max
for _ in range(5):
    numbers = random.choices(range(-9, 9), k=5)
    if json.dumps(running_max(list(numbers))) != json.dumps([max(numbers[: i + 1]) for i in range(5)]):
        raise SystemExit(1)
"""
from solution import running_max

assert callable(running_max)
done = subprocess.run([sys.executable, "-c", TEST], capture_output=True)
print(json.dumps({"score": float(done.returncode == 0), "passed": done.returncode == 0}))
