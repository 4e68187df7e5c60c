"""Receipts as plain text."""


def money(cents):
    """Return an amount as text."""
    return "%d.%02d" % (cents // 100, cents % 100)


def render(order):
    """Return the receipt of an order."""
    lines = ["Order %d for %s" % (order["number"], order["customer"]), ""]
    for _, name, quantity, price in order["lines"]:
        lines.append(row("%d x %s" % (quantity, name), price * quantity))
    lines.append("-" * 40)
    lines.append(row("subtotal", order["subtotal"]))
    lines.append(row("shipping", order["shipping"]))
    lines.append(row("total", order["total"]))
    return "\n".join(lines) + "\n"


def row(label, cents):
    """Return a line of 40 characters, the amount on its right."""
    return label.ljust(30) + money(cents).rjust(10)
