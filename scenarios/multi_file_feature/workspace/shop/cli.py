"""The command line: ``python3 -m shop``."""

import argparse
import sys

from shop.cart import Cart
from shop.catalog import load_catalog
from shop.orders import place_order
from shop.receipt import money, render
from shop.storage import OrderStore


def main(argv=None):
    """Run one command; return the exit code: 2 where something is wrong with what was asked for."""
    arguments = parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except (ValueError, KeyError) as error:
        print("error: %s" % error.args[0], file=sys.stderr)
        return 2


def parser():
    """Return the parser of the command line."""
    result = argparse.ArgumentParser(prog="shop")
    result.add_argument("--data", default="data", help="folder with catalog.json and orders.json")
    commands = result.add_subparsers(required=True)
    order = commands.add_parser("order", help="place an order")
    order.add_argument("customer")
    order.add_argument("items", nargs="+", metavar="SKU[:QUANTITY]")
    order.set_defaults(run=run_order)
    orders = commands.add_parser("orders", help="list the orders")
    orders.set_defaults(run=run_orders)
    receipt = commands.add_parser("receipt", help="print an order's receipt")
    receipt.add_argument("number", type=int)
    receipt.set_defaults(run=run_receipt)
    return result


def run_order(arguments):
    """Place an order and print its receipt."""
    catalog = load_catalog(arguments.data + "/catalog.json")
    cart = Cart()
    for item in arguments.items:
        sku, _, quantity = item.partition(":")
        if sku not in catalog:
            raise ValueError("unknown product: %s" % sku)
        cart.add(catalog[sku], int(quantity or 1))
    order = place_order(OrderStore(arguments.data + "/orders.json"), cart, arguments.customer)
    print(render(order), end="")
    return 0


def run_orders(arguments):
    """List number, customer and total of all orders."""
    for order in OrderStore(arguments.data + "/orders.json").all():
        print("%d\t%s\t%s" % (order["number"], order["customer"], money(order["total"])))
    return 0


def run_receipt(arguments):
    """Print a receipt."""
    print(render(OrderStore(arguments.data + "/orders.json").get(arguments.number)), end="")
    return 0
