"""Bisects with a script made from the report, repairs the function, adds a test and commits."""

import json
import re

REPAIRS = {
    "allocate": (
        "    for index in range(left):\n        parts[index] += 1\n",
        "    takers = [index for index, weight in enumerate(weights) if weight > 0]\n"
        "    for index in takers[:left]:\n        parts[index] += 1\n",
    ),
    "instalments": ("add_months(dates[-1], every)", "add_months(first, every * len(dates))"),
    "table": (
        "    widths = [max(map(len, column)) for column in zip(*rows)]\n",
        "    count = max((len(row) for row in rows), default=0)\n"
        '    widths = [max(len("".join(row[at : at + 1])) for row in rows) for at in range(count)]\n',
    ),
}
MODULES = {"allocate": "money", "instalments": "due", "table": "table"}
PROBE = """
cat > /tmp/probe.sh <<'END'
python3 -c "import settle.{module}" 2>/dev/null || exit 125
python3 - <<'PY'
import sys
from settle.{module} import {function}
sys.exit({call} != {right})
PY
END
cd /workspace/repo
git bisect start main {good}
git bisect run sh /tmp/probe.sh | tail -20
echo
git rev-parse refs/bisect/bad
git tag --contains refs/bisect/bad --sort=version:refname | head -1
git bisect reset
"""
TEST = """import unittest

from settle.{module} import {function}


class TestRegression(unittest.TestCase):
    def test_reported(self):
        self.assertEqual({call}, {right})
"""


def solve():
    """Yield one action per turn; receive what the environment answered."""
    report = yield {"name": "read_file", "arguments": {"path": "BUG.md"}}
    function, call = re.search(r"import (\w+); print\((.*)\)\"\n", report).groups()
    good = re.search(r"release (v\S+)", report)[1]
    right = re.search(r'"\n(.*?)\n```', report, re.S)[1]
    right = repr(right) if function == "table" else right
    words = {"module": MODULES[function], "function": function, "good": good, "call": call, "right": right}
    seen = yield {"name": "bash", "arguments": {"command": PROBE.format(**words)}}
    commit, release = re.search(r"^([0-9a-f]{40})\n(v\S+)$", seen, re.M).groups()
    path = f"repo/settle/{MODULES[function]}.py"
    yield {"name": "read_file", "arguments": {"path": path}}
    old, new = REPAIRS[function]
    yield {"name": "edit_file", "arguments": {"path": path, "old": old, "new": new}}
    yield {
        "name": "write_file",
        "arguments": {"path": "repo/tests/test_regression.py", "content": TEST.format(**words)},
    }
    answer = {"commit": commit, "release": release}
    yield {"name": "write_file", "arguments": {"path": "answer.json", "content": json.dumps(answer)}}
    command = f"python3 -m unittest 2>&1 | tail -3; git add -A; git commit -qm 'Repair {function}'; git status"
    seen = yield {"name": "bash", "arguments": {"command": "cd /workspace/repo && " + command}}
    assert "OK" in seen
    yield {"name": "run_tests", "arguments": {}}
    yield {"name": "submit", "arguments": {}}
