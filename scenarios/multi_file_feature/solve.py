"""Reads the package, then adds coupons layer by layer."""

COUPONS = '''"""Coupons."""

import json
from dataclasses import dataclass


class CouponError(ValueError):
    """A coupon can't be used."""


@dataclass(frozen=True)
class Coupon:
    """Takes something off a cart's price; ``minimum`` and the value of ``fixed`` are in cents."""

    code: str
    kind: str
    value: int = 0
    minimum: int = 0
    category: str = None
    expires: str = None

    def __post_init__(self):
        allowed = {"percent": 1 <= self.value <= 100, "fixed": self.value >= 1, "shipping": self.value == 0}
        if not allowed.get(self.kind, False):
            raise ValueError("no such coupon: %s of %r" % (self.kind, self.value))

    def expired(self, today):
        """Return whether ``today`` is after the last day."""
        return self.expires is not None and today > self.expires


def load_coupons(path):
    """Return the coupons of a JSON file, by code."""
    coupons = {}
    with open(path, encoding="utf-8") as file:
        for entry in json.load(file):
            coupon = Coupon(**dict(entry, code=entry["code"].upper()))
            if coupon.code in coupons:
                raise ValueError("coupon is there twice: %s" % coupon.code)
            coupons[coupon.code] = coupon
    return coupons


def find_coupon(coupons, code):
    """Return the coupon of a code as a customer typed it."""
    code = code.strip()
    if code.upper() not in coupons:
        raise CouponError("unknown coupon: %s" % code)
    return coupons[code.upper()]
'''
PRICING = '''"""What a cart costs."""

from dataclasses import dataclass
from datetime import date
from typing import Optional

from shop.coupons import CouponError
from shop.receipt import money

SHIPPING = 490
FREE_SHIPPING_FROM = 5000


@dataclass(frozen=True)
class Quote:
    """The price of a cart, in cents."""

    subtotal: int
    shipping: int
    total: int
    discount: int = 0
    coupon: Optional[str] = None


def quote(cart, coupon=None, today=None):
    """Return the price of a cart; from ``FREE_SHIPPING_FROM`` on, shipping is free."""
    subtotal = cart.subtotal()
    if not cart.lines:
        raise ValueError("the cart is empty")
    shipping = 0 if subtotal >= FREE_SHIPPING_FROM else SHIPPING
    if coupon is None:
        return Quote(subtotal=subtotal, shipping=shipping, total=subtotal + shipping)
    discount = discount_of(cart, coupon, today or date.today().isoformat())
    if coupon.kind == "shipping":
        shipping = 0
    return Quote(subtotal, shipping, subtotal - discount + shipping, discount, coupon.code)


def discount_of(cart, coupon, today):
    """Return what a coupon takes off, in cents; raise CouponError if it can't be used."""
    if coupon.expired(today):
        raise CouponError("coupon expired: %s" % coupon.code)
    mine = [
        product.price * quantity for product, quantity in cart.lines if coupon.category in (None, product.category)
    ]
    if not mine:
        raise CouponError("coupon does not apply: %s" % coupon.code)
    base = sum(mine)
    if base < coupon.minimum:
        raise CouponError("coupon needs at least %s: %s" % (money(coupon.minimum), coupon.code))
    if coupon.kind == "percent":
        return (base * coupon.value + 50) // 100
    return min(coupon.value, base)
'''
TESTS = """import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from shop.cart import Cart
from shop.catalog import Product
from shop.coupons import Coupon, CouponError
from shop.pricing import quote


class TestCoupons(unittest.TestCase):
    def setUp(self):
        self.cart = Cart()
        self.cart.add(Product("B", "Book", "books", 2490))

    def test_percent(self):
        got = quote(self.cart, Coupon("A", "percent", 10), "2024-01-01")
        self.assertEqual((got.discount, got.total, got.coupon), (249, 2731, "A"))

    def test_expired(self):
        with self.assertRaisesRegex(CouponError, "^coupon expired: A$"):
            quote(self.cart, Coupon("A", "fixed", 1, expires="2024-01-01"), "2024-01-02")


if __name__ == "__main__":
    unittest.main()
"""
EDITS = [
    ("shop/__init__.py", "1.4.0", "1.5.0"),
    (
        "shop/orders.py",
        'customer):\n    """Price a cart, store',
        'customer, coupon=None, today=None):\n    """Price a cart, with a coupon or without, store',
    ),
    ("shop/orders.py", "quote(cart)\n", "quote(cart, coupon, today)\n"),
    (
        "shop/orders.py",
        '        "subtotal": price.subtotal,\n',
        '        "subtotal": price.subtotal,\n        "coupon": price.coupon,\n        "discount": price.discount,\n',
    ),
    ("shop/storage.py", "VERSION = 1\n", "VERSION = 2\n"),
    ("shop/storage.py", '{"version": 1, "orders": [...]}``, numbered', '{"version": 2, "orders": [...]}``, numbered'),
    (
        "shop/storage.py",
        '        if data["version"] != VERSION:\n',
        '        if data["version"] == 1:\n'
        '            return [{"coupon": None, "discount": 0, **order} for order in data["orders"]]\n'
        '        if data["version"] != VERSION:\n',
    ),
    (
        "shop/receipt.py",
        '    lines.append(row("shipping"',
        '    if order.get("coupon"):\n'
        '        label, amount = "discount " + order["coupon"], "-" + money(order["discount"])\n'
        "        lines.append(label.ljust(30) + amount.rjust(10))\n"
        '    lines.append(row("shipping"',
    ),
    ("shop/cli.py", "import sys\n", "import sys\nfrom datetime import date\n"),
    (
        "shop/cli.py",
        "from shop.orders import",
        "from shop.coupons import find_coupon, load_coupons\nfrom shop.orders import",
    ),
    (
        "shop/cli.py",
        "    order.set_defaults(run=run_order)\n",
        '    order.add_argument("--coupon", metavar="CODE", help="use a coupon")\n'
        '    order.add_argument("--today", metavar="DATE", help="the date, YYYY-MM-DD")\n'
        "    order.set_defaults(run=run_order)\n"
        '    coupons = commands.add_parser("coupons", help="list the coupons that are good")\n'
        '    coupons.add_argument("--today", metavar="DATE", help="the date, YYYY-MM-DD")\n'
        "    coupons.set_defaults(run=run_coupons)\n",
    ),
    (
        "shop/cli.py",
        '    order = place_order(OrderStore(arguments.data + "/orders.json"), cart, arguments.customer)\n',
        "    coupon = None\n"
        "    if arguments.coupon is not None:\n"
        '        coupon = find_coupon(load_coupons(arguments.data + "/coupons.json"), arguments.coupon)\n'
        '    store = OrderStore(arguments.data + "/orders.json")\n'
        "    order = place_order(store, cart, arguments.customer, coupon, arguments.today)\n",
    ),
    (
        "shop/cli.py",
        "def run_orders(",
        'def run_coupons(arguments):\n    """List the codes of coupons that are not expired."""\n'
        "    today = arguments.today or date.today().isoformat()\n"
        '    for code, coupon in sorted(load_coupons(arguments.data + "/coupons.json").items()):\n'
        "        if not coupon.expired(today):\n"
        "            print(code)\n"
        "    return 0\n\n\ndef run_orders(",
    ),
    ("CHANGELOG.md", "## 1.4.0", "## 1.5.0\n\n- Coupons: a percentage, an amount or free shipping.\n\n## 1.4.0"),
    (
        "docs/usage.md",
        "Exit codes:",
        "## Coupons\n\n`order --coupon CODE` uses a coupon of `coupons.json`; `--today YYYY-MM-DD` sets the date.\n"
        "`python3 -m shop coupons` lists the coupons that are good.\n\n## Exit codes\n\nExit codes:",
    ),
]


def solve():
    """Yield one action per turn; receive what the environment answered."""
    seen = yield {"name": "bash", "arguments": {"command": "cat shop/*.py docs/usage.md CHANGELOG.md"}}
    assert "class OrderStore" in seen
    yield {"name": "write_file", "arguments": {"path": "shop/coupons.py", "content": COUPONS}}
    yield {"name": "write_file", "arguments": {"path": "shop/pricing.py", "content": PRICING}}
    yield {"name": "write_file", "arguments": {"path": "tests/test_coupons.py", "content": TESTS}}
    for path, old, new in EDITS:
        seen = yield {"name": "edit_file", "arguments": {"path": path, "old": old, "new": new}}
        assert seen.startswith("Edited"), seen
    seen = yield {"name": "bash", "arguments": {"command": "python3 -m unittest discover tests 2>&1 | tail -3"}}
    assert "OK" in seen, seen
    yield {"name": "run_tests", "arguments": {}}
    yield {"name": "submit", "arguments": {}}
