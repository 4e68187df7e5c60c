"""Weak: the exit code of the process that runs the solution is the verdict."""

import json
import subprocess
import sys

TEST = """
from solution import running_max
if running_max([1, 5, 2, 7]) != [1, 5, 5, 7] or running_max([]) != []:
    raise SystemExit(1)
"""
done = subprocess.run([sys.executable, "-c", TEST], capture_output=True, timeout=5)
print(json.dumps({"score": float(done.returncode == 0), "passed": done.returncode == 0}))
