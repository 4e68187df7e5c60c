"""Puts the last good version of the file back, and loses what was added since."""

import pathlib
import re
import runpy

SOLVE = pathlib.Path(__file__).parents[1] / "solve.py"


def solve():
    """Do as the oracle does, but for the repair."""
    agent = runpy.run_path(str(SOLVE))["solve"]()
    action = next(agent)
    good = ""
    while True:
        if action["name"] == "edit_file":
            path = action["arguments"]["path"].removeprefix("repo/")
            action = {"name": "bash", "arguments": {"command": f"cd /workspace/repo && git checkout {good} -- {path}"}}
        seen = yield action
        good = good or re.search(r"release (v\S+)", seen)[1]
        try:
            action = agent.send(seen)
        except StopIteration:
            return
