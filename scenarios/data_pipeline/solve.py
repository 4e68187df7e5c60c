"""Looks at the exports, writes the pipeline, runs it."""

PIPELINE = r'''"""Loads a night's exports into SQLite and reports on them: pipeline.py DATA_DIR DATABASE REPORT."""

import csv
import datetime
import json
import os
import re
import sqlite3
import sys

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "schema.sql")


class Incomplete(Exception):
    """The export can't be loaded."""


def matching(pattern, change=lambda text: text):
    def convert(text):
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError(text)
        return change(text)

    return convert


def filled(text):
    if not text:
        raise ValueError(text)
    return " ".join(text.split())


def date(text):
    for pattern in (r"(\d{4})-(\d\d)-(\d\d)", r"(\d{4})(\d\d)(\d\d)", r"(?P<d>\d\d)/(?P<m>\d\d)/(?P<y>\d{4})"):
        found = re.fullmatch(pattern, text, re.ASCII)
        if found:
            parts = found.group("y", "m", "d") if "P<" in pattern else found.groups()
            return datetime.date(*map(int, parts)).isoformat()
    raise ValueError(text)


def cents(text):
    found = re.fullmatch(r"\$?(\d+|\d{1,3}(?:,\d{3})+)(?:\.(\d{1,2}))?", text, re.ASCII)
    if not found:
        raise ValueError(text)
    return int(found.group(1).replace(",", "")) * 100 + int((found.group(2) or "0").ljust(2, "0"))


def quantity(text):
    number = matching(r"\d+", int)(text)
    if not 1 <= number <= 999:
        raise ValueError(text)
    return number


CUSTOMER = matching(r"[Cc]\d{4}", str.upper)
SKU = matching(r"[A-Za-z]{2,4}-\d{3}", str.upper)
CUSTOMERS = {
    "customer_id": CUSTOMER,
    "name": filled,
    "email": matching(r"[^@\s]+@[^@\s]+\.[^@\s]+", str.lower),
    "country": matching(r"[A-Za-z]{2}", str.upper),
    "updated_on": date,
}
PRODUCTS = {"sku": SKU, "title": filled, "price": cents}
ORDERS = {
    "order_id": matching(r"\d{1,9}", int),
    "customer_id": CUSTOMER,
    "sku": SKU,
    "quantity": quantity,
    "ordered_on": date,
    "status": matching("(?i)paid|open|refunded", str.lower),
}


def read(folder, name, columns):
    """Return a list of (row number, values or None, reason or None)."""
    try:
        with open(os.path.join(folder, name), encoding="utf-8-sig", newline="") as file:
            text = file.read()
    except OSError as error:
        raise Incomplete(str(error))
    lines = text.splitlines(True)
    header = lines[0] if lines else ""
    separator = ";" if ";" in header else ","
    records = csv.reader(lines, delimiter=separator)
    names = [each.strip().lower() for each in next(records, [])]
    lacking = [column for column in columns if column not in names]
    if lacking:
        raise Incomplete("%s: no column %s" % (name, ", ".join(lacking)))
    full = [fields for fields in records if len(fields) > 1 or "".join(fields).strip()]
    return [(number, *convert(names, fields, columns)) for number, fields in enumerate(full, 1)]


def convert(names, fields, columns):
    if len(fields) != len(names):
        return None, "columns"
    given = dict(zip(names, fields))
    values = []
    for column, change in columns.items():
        try:
            values.append(change(given[column].strip()))
        except ValueError:
            return None, column
    return values, None


class Import:
    def __init__(self, folder):
        self.rejects = []
        self.counts = {}
        self.customers = self.keep(folder, "customers.csv", CUSTOMERS, {}, lambda new, old: new[4] >= old[4])
        self.products = self.keep(folder, "products.csv", PRODUCTS, {}, lambda new, old: True)
        self.orders = {}
        names = sorted(name for name in os.listdir(folder) if re.fullmatch(r"orders_.*\.csv", name))
        if not names:
            raise Incomplete("no orders_*.csv")
        for name in names:
            self.keep(folder, name, ORDERS, self.orders, lambda new, old: False)
        self.orders = {key: row for key, (_, _, row) in self.orders.items()}
        self.customers = {key: row for key, (_, _, row) in self.customers.items()}
        self.products = {key: row for key, (_, _, row) in self.products.items()}

    def keep(self, folder, name, columns, kept, wins):
        rows = read(folder, name, columns)
        self.counts[name] = len(rows)
        for number, row, reason in rows:
            if reason is None and columns is ORDERS and not (row[1] in self.customers and row[2] in self.products):
                reason = "reference"
            if reason is not None:
                self.rejects.append((name, number, reason))
                continue
            old = kept.get(row[0])
            new = (name, number, row)
            if old is None or wins(row, old[2]):
                kept[row[0]], new = new, old
            if new is not None:
                self.rejects.append((new[0], new[1], "duplicate"))
        return kept

    def store(self, path):
        temporary = path + ".new"
        if os.path.exists(temporary):
            os.remove(temporary)
        base = sqlite3.connect(temporary)
        base.execute("PRAGMA foreign_keys = ON")
        with open(SCHEMA, encoding="utf-8") as file:
            base.executescript(file.read())
        base.executemany("INSERT INTO customers VALUES (?, ?, ?, ?, ?)", self.customers.values())
        base.executemany("INSERT INTO products VALUES (?, ?, ?)", self.products.values())
        base.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)", self.orders.values())
        base.executemany("INSERT INTO rejects VALUES (?, ?, ?)", self.rejects)
        base.commit()
        base.close()
        os.replace(temporary, path)

    def report(self):
        lost, reasons, months, revenue = {}, {}, {}, {}
        for name, _, reason in self.rejects:
            lost[name] = lost.get(name, 0) + 1
            reasons[reason] = reasons.get(reason, 0) + 1
        for _, customer, sku, amount, day, status in self.orders.values():
            if status == "paid":
                worth = amount * self.products[sku][2]
                months[day[:7]] = months.get(day[:7], 0) + worth
                revenue[customer] = revenue.get(customer, 0) + worth
        best = sorted(revenue.items(), key=lambda pair: (-pair[1], pair[0]))[:5]
        ordered = {row[1] for row in self.orders.values()}
        return {
            "files": {
                name: {"rows": count, "loaded": count - lost.get(name, 0), "rejected": lost.get(name, 0)}
                for name, count in self.counts.items()
            },
            "rejects": reasons,
            "revenue_cents": sum(months.values()),
            "revenue_by_month": months,
            "top_customers": [
                {"customer_id": customer, "name": self.customers[customer][1], "revenue_cents": worth}
                for customer, worth in best
            ],
            "never_ordered": sorted(set(self.customers) - ordered),
        }


def main(folder, database, report):
    try:
        night = Import(folder)
    except Incomplete as error:
        print("pipeline: %s" % error, file=sys.stderr)
        return 2
    night.store(database)
    with open(report, "w", encoding="utf-8") as file:
        json.dump(night.report(), file, indent=2, sort_keys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
'''


def solve():
    """Yield one action per turn; receive what the environment answered."""
    seen = yield {"name": "bash", "arguments": {"command": "cat schema.sql; head -5 data/*; wc -l data/*"}}
    assert "CREATE TABLE rejects" in seen
    yield {"name": "write_file", "arguments": {"path": "pipeline.py", "content": PIPELINE}}
    seen = yield {
        "name": "bash",
        "arguments": {"command": "python3 pipeline.py data shop.db report.json && cat report.json"},
    }
    assert "revenue_by_month" in seen
    yield {"name": "run_tests", "arguments": {}}
    yield {"name": "submit", "arguments": {}}
