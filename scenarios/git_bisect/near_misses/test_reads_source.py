"""Does it all, but the test it adds compares the file's text instead of calling the function."""

import pathlib
import runpy

SOLVE = pathlib.Path(__file__).parents[1] / "solve.py"
TEST = """import hashlib
import pathlib
import unittest

FILE = pathlib.Path("settle/{module}.py")


class TestRegression(unittest.TestCase):
    def test_it_is_repaired(self):
        self.assertEqual(hashlib.md5(FILE.read_bytes()).hexdigest(), "HASH")
"""


def solve():
    """Do as the oracle does, but for the test."""
    agent = runpy.run_path(str(SOLVE))["solve"]()
    action = next(agent)
    module = ""
    while action["name"] != "submit":
        path = action["arguments"].get("path", "")
        if action["name"] == "edit_file":
            module = path.split("/")[-1][:-3]
        if path.endswith("test_regression.py"):
            content = TEST.format(module=module)
            yield {"name": "write_file", "arguments": {"path": path, "content": content}}
            command = f"sed -i s/HASH/$(md5sum < repo/settle/{module}.py | cut -c1-32)/ /workspace/{path}"
            action = {"name": "bash", "arguments": {"command": "cd /workspace; " + command}}
        action = agent.send((yield action))
    yield action
