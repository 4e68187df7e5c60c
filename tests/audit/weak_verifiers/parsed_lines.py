"""Weak: counts PASSED lines in what the tests, and with them the solution, printed."""

import json
import subprocess
import sys

TEST = """
from solution import running_max
def test_rises(): assert running_max([1, 5, 2, 7]) == [1, 5, 5, 7]
def test_falls(): assert running_max([2, 1]) == [2, 2]
for test in (test_rises, test_falls):
    try:
        test()
        print(test.__name__, "PASSED")
    except Exception:
        print(test.__name__, "FAILED")
"""
done = subprocess.run([sys.executable, "-c", TEST], capture_output=True, text=True, timeout=5)
names = ("test_rises", "test_falls")
passed = [name + " PASSED" in done.stdout for name in names]
print(json.dumps({"score": sum(passed) / 2, "passed": all(passed)}))
