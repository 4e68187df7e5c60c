"""Every layer is there; cents are rounded by float, the last day is refused, shipping goes by what is left."""

import pathlib
import runpy

SOLVE = pathlib.Path(__file__).parents[1] / "solve.py"
SLIPS = {
    "(base * coupon.value + 50) // 100": "round(base * coupon.value / 100)",
    "today > self.expires": "today >= self.expires",
    "    return Quote(subtotal, shipping, subtotal - discount": (
        "    shipping = 0 if subtotal - discount >= FREE_SHIPPING_FROM else shipping or SHIPPING\n"
        "    return Quote(subtotal, shipping, subtotal - discount"
    ),
    "if base < coupon.minimum": "if cart.subtotal() < coupon.minimum",
}


def solve():
    """Do as the oracle does, with mistakes in what is written."""
    agent = runpy.run_path(str(SOLVE))["solve"]()
    action = next(agent)
    while True:
        if action["name"] == "write_file":
            content = action["arguments"]["content"]
            for old, new in SLIPS.items():
                content = content.replace(old, new)
            action["arguments"]["content"] = content
        seen = yield action
        try:
            action = agent.send(seen)
        except StopIteration:
            return
