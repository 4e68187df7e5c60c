"""Weak: the last line of JSON in the solution's own output is the verdict."""

import json
import subprocess
import sys

TEST = """
import json
from solution import running_max
right = [running_max([1, 5, 2, 7]) == [1, 5, 5, 7], running_max([2, 1]) == [2, 2]]
print(json.dumps({"score": sum(right) / len(right)}))
"""
done = subprocess.run([sys.executable, "-c", TEST], capture_output=True, text=True, timeout=5)
try:
    score = json.loads(done.stdout.strip().splitlines()[-1])["score"]
except (IndexError, ValueError, KeyError, TypeError):
    score = 0.0
print(json.dumps({"score": score, "passed": score == 1.0}))
