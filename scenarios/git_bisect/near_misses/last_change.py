"""Blames the last commit that touched the file, and the last release; repairs in the work tree only."""

import pathlib
import re
import runpy

SOLVE = pathlib.Path(__file__).parents[1] / "solve.py"
ANSWER = """
cd /workspace/repo
commit=$(git log -1 --format=%H -- settle/{module}.py)
release=$(git tag --sort=version:refname | tail -1)
printf '{{"commit": "%s", "release": "%s"}}' $commit $release > /workspace/answer.json
"""


def solve():
    namespace = runpy.run_path(str(SOLVE))
    report = yield {"name": "read_file", "arguments": {"path": "BUG.md"}}
    function = re.search(r"import (\w+);", report)[1]
    module = namespace["MODULES"][function]
    old, new = namespace["REPAIRS"][function]
    yield {"name": "bash", "arguments": {"command": ANSWER.format(module=module)}}
    yield {"name": "edit_file", "arguments": {"path": f"repo/settle/{module}.py", "old": old, "new": new}}
    yield {"name": "submit", "arguments": {}}
