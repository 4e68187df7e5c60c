"""Raises the version of the stored file and can't read the old ones; hides the discount of 0.00."""

import pathlib
import runpy

SOLVE = pathlib.Path(__file__).parents[1] / "solve.py"


def solve():
    """Do as the oracle does, without one edit and with another one changed."""
    agent = runpy.run_path(str(SOLVE))["solve"]()
    action = next(agent)
    while True:
        new = action["arguments"].get("new", "")
        if 'data["version"] == 1' in new:
            action = agent.send("Edited shop/storage.py.")
            continue
        action["arguments"].update({"new": new.replace('order.get("coupon")', 'order["discount"]')} if new else {})
        seen = yield action
        try:
            action = agent.send(seen)
        except StopIteration:
            return
