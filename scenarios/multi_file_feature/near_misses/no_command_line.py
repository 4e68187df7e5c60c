"""Does the inner layers and stops there: no options, no docs, no tests."""

import pathlib
import runpy

SOLVE = pathlib.Path(__file__).parents[1] / "solve.py"
LEFT_OUT = ("shop/cli.py", "docs/usage.md", "CHANGELOG.md", "shop/__init__.py", "tests/test_coupons.py")


def solve():
    """Do as the oracle does, without what shows outside."""
    agent = runpy.run_path(str(SOLVE))["solve"]()
    action = next(agent)
    while True:
        if action["arguments"].get("path") in LEFT_OUT:
            action = agent.send("Edited.")
            continue
        seen = yield action
        try:
            action = agent.send(seen)
        except StopIteration:
            return
