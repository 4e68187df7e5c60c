"""Reads the module, keeps what it returns for comparison, rewrites it, and compares."""

REWRITTEN = '''"""Reports on what the warehouse shipped, and what it cost.

The warehouse's export has a line ``ident;zone;grams;value;express`` for each shipment; empty lines
and lines that begin with ``#`` mean nothing. ``value`` and all costs are in cents.
"""

import html
import itertools
from dataclasses import dataclass

RATES = {"A": (490, 85), "B": (890, 145), "C": (1690, 310)}


def money(cents):
    """Return an amount as text."""
    return "%d.%02d" % divmod(cents, 100)


@dataclass(frozen=True)
class Shipment:
    """What was sent, and where to."""

    ident: str
    zone: str
    grams: int
    value: int
    express: bool

    @property
    def kilos(self):
        """The kilos that are charged."""
        return (self.grams + 999) // 1000

    @property
    def cost(self):
        """The cost in cents."""
        first, further = RATES[self.zone]
        cost = first + (self.kilos - 1) * further
        if self.express:
            cost = cost * 3 // 2 + 250
        return cost + max(0, self.value - 50000) // 100


def parse(lines):
    """Return the shipments of an export, in its order."""
    shipments = []
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if line and not line.startswith("#"):
            try:
                shipments.append(_shipment([part.strip() for part in line.split(";")]))
            except ValueError as error:
                raise ValueError("line %d: %s" % (number, error)) from None
    return shipments


def _shipment(parts):
    if len(parts) != 5:
        raise ValueError("expected 5 fields, got %d" % len(parts))
    ident, zone, grams, value, express = parts
    if not ident:
        raise ValueError("no ident")
    if zone.upper() not in RATES:
        raise ValueError("unknown zone %r" % zone)
    grams, value = _numbers(grams, value)
    return Shipment(ident, zone.upper(), grams, value, express.lower() in ("y", "yes", "1"))


def _numbers(grams, value):
    try:
        grams, value = int(grams), int(value)
    except ValueError:
        raise ValueError("grams and value must be whole numbers") from None
    if grams < 1 or value < 0:
        raise ValueError("grams or value out of range")
    return grams, value


class Report:
    """A report on shipments, by zone."""

    def __init__(self, shipments):
        self.shipments = shipments

    def render(self):
        """Return the report's text."""
        ordered = sorted(self.shipments, key=lambda one: (one.zone, -one.cost, one.ident))
        lines = [self.head]
        for zone, group in itertools.groupby(ordered, key=lambda one: one.zone):
            group = list(group)
            lines += [self.row(one) for one in group]
            lines.append(self.subtotal(zone, len(group), money(sum(one.cost for one in group))))
        lines.append(self.total(len(ordered), money(sum(one.cost for one in ordered))))
        return "\\n".join(lines) + "\\n"


class TextReport(Report):
    """Plain text."""

    head = "SHIPMENTS"

    def row(self, one):
        mark = "!" if one.express else ""
        return ("%-12s %4d kg %10s %s" % (one.ident, one.kilos, money(one.cost), mark)).rstrip()

    def subtotal(self, zone, count, amount):
        return "  zone %s: %s, %s" % (zone, self.count(count), amount)

    def total(self, count, amount):
        return "total: %s, %s" % (self.count(count), amount) if count else "nothing shipped"

    def count(self, count):
        return "1 shipment" if count == 1 else "%d shipments" % count


class CsvReport(Report):
    """Comma-separated values."""

    head = "ident,zone,kg,express,cost"

    def row(self, one):
        ident = one.ident
        if "," in ident or '"' in ident:
            ident = '"' + ident.replace('"', '""') + '"'
        mark = "yes" if one.express else "no"
        return "%s,%s,%d,%s,%s" % (ident, one.zone, one.kilos, mark, money(one.cost))

    def subtotal(self, zone, count, amount):
        return "subtotal,%s,,,%s" % (zone, amount)

    def total(self, count, amount):
        return "total,,,,%s" % amount


class HtmlReport(Report):
    """An HTML table."""

    head = "<table>"

    def row(self, one):
        mark = ' class="express"' if one.express else ""
        cells = (html.escape(one.ident, quote=False), one.zone, one.kilos, money(one.cost))
        return "<tr%s>%s</tr>" % (mark, "".join("<td>%s</td>" % cell for cell in cells))

    def subtotal(self, zone, count, amount):
        return '<tr class="subtotal"><td>%s</td><td>%d</td><td>%s</td></tr>' % (zone, count, amount)

    def total(self, count, amount):
        return '<tr class="total"><td>%s</td></tr>\\n</table>' % amount


def text_report(lines):
    """Return the report as plain text."""
    return TextReport(parse(lines)).render()


def csv_report(lines):
    """Return the report as comma-separated values."""
    return CsvReport(parse(lines)).render()


def html_report(lines):
    """Return the report as an HTML table."""
    return HtmlReport(parse(lines)).render()
'''
COMPARE = """
import sys
sys.path[:0] = ["/tmp", "/workspace"]
import before, shipping_report as after
lines = open("/workspace/export.txt").read().splitlines()
for kind in ("text", "csv", "html"):
    for part in (lines, lines[:2], [], ["K;b;2000;60000;1"]):
        assert getattr(before, kind + "_report")(part) == getattr(after, kind + "_report")(part), (kind, part)
print("alike")
"""


def solve():
    """Yield one action per turn; receive what the environment answered."""
    seen = yield {"name": "read_file", "arguments": {"path": "shipping_report.py"}}
    assert "def csv_report" in seen
    yield {"name": "bash", "arguments": {"command": "cp shipping_report.py /tmp/before.py"}}
    yield {"name": "write_file", "arguments": {"path": "shipping_report.py", "content": REWRITTEN}}
    seen = yield {"name": "bash", "arguments": {"command": "python3 - <<'END'\n" + COMPARE + "END"}}
    assert "alike" in seen
    yield {"name": "run_tests", "arguments": {}}
    yield {"name": "submit", "arguments": {}}
