"""Draws the books of the trading house: orders, refunds, and customers merged into one another."""

import datetime
import json

FIRST = ["Aldrin", "Brook", "Castell", "Dorn", "Elwood", "Farrow", "Gale", "Hale", "Ives", "Joyce", "Keller", "Lund"]
SECOND = ["& Sons", "Ltd", "Trading", "Bros.", "Imports", "Größen GmbH", "Co-op"]
OFFSETS = [-8, -5, -2, 0, 0, 1, 2, 5.5, 9]


def data(rng):
    """Return the whole content of the service."""
    year, quarter = rng.randint(2019, 2024), rng.randint(1, 4)
    start = datetime.datetime(year, 3 * quarter - 2, 1)
    end = datetime.datetime(year + quarter // 4, 3 * quarter % 12 + 1, 1)
    customers = draw_customers(rng)
    orders = draw_orders(rng, sorted(customers), start, end)
    refunds = draw_refunds(rng, orders)
    return {
        "quarter": f"{year}-Q{quarter}",
        "days": [start.date().isoformat(), (end - datetime.timedelta(days=1)).date().isoformat()],
        "start": start.isoformat(),
        "end": end.isoformat(),
        "user": rng.choice(["reports", "backoffice", "audit"]),
        "password": f"{rng.getrandbits(48):012x}",
        "key": f"{rng.getrandbits(64):016x}",
        "customers": customers,
        "orders": slots(rng, orders),
        "refunds": slots(rng, refunds),
    }


def draw_customers(rng):
    """Return ``{id: answer}``: eleven customers, and eight merged into them, by up to three steps."""
    numbers = rng.sample(range(1, 99), 19)
    names = rng.sample([f"{one} {two}" for one in FIRST for two in SECOND], 11)
    ids = [f"c-{number:02}" for number in numbers]
    customers = {ids[at]: {"id": ids[at], "name": names[at]} for at in range(11)}
    for at in range(11, 19):
        into = ids[at - 1] if at in (12, 13, 17) else rng.choice(ids[:11])
        customers[ids[at]] = {"id": ids[at], "merged_into": into}
    return customers


def placed(rng, moment):
    """Return a moment of UTC as local time somewhere."""
    offset = rng.choice(OFFSETS)
    sign, minutes = ("-" if offset < 0 else "+"), int(abs(offset) * 60)
    local = moment + datetime.timedelta(hours=offset)
    return f"{local.isoformat()}{sign}{minutes // 60:02}:{minutes % 60:02}"


def draw_orders(rng, customers, start, end):
    """Return all versions of all orders."""
    length = int((end - start).total_seconds())
    seconds = [rng.randrange(-length // 3, length + length // 3) for _ in range(100)]
    seconds += [edge + rng.randrange(-7200, 7200) for edge in (0, length) for _ in range(12)]
    seconds += [0, -1, length, length - 1]
    versions = []
    for at, number in enumerate(rng.sample(range(1000, 9999), len(seconds))):
        customer, moment = rng.choice(customers), start + datetime.timedelta(seconds=seconds[at])
        last = rng.choice([1, 1, 1, 1, 2, 3])
        for version in range(1, last + 1):
            status = rng.choice(["paid", "paid", "paid", "cancelled", "open"])
            order = {"id": f"o-{number}", "version": version, "customer": customer, "placed": placed(rng, moment)}
            versions.append(dict(order, status=status, lines=draw_lines(rng)))
    return versions


def draw_lines(rng):
    lines = []
    for _ in range(rng.randint(1, 3)):
        sku = f"{rng.choice(['KX', 'PL', 'TR', 'ZU'])}-{rng.randint(1, 9)}"
        price = f"{rng.randint(0, 90)}.{rng.randint(1, 99):02}"
        lines.append({"sku": sku, "quantity": rng.randint(1, 12), "unit_price": price})
    return lines


def draw_refunds(rng, orders):
    versions = []
    for number in rng.sample(range(10, 999), 45):
        order = rng.choice(orders)["id"]
        for version in range(1, rng.choice([1, 1, 2, 3]) + 1):
            status = rng.choice(["done", "done", "done", "asked", "void"])
            amount = f"{rng.randint(0, 40)}.{rng.randint(1, 99):02}"
            versions.append(
                {"id": f"r-{number}", "version": version, "order": order, "status": status, "amount": amount}
            )
    return versions


def slots(rng, items):
    """Shuffle the items, and put holes between them: where a page meets these it is short, or empty."""
    rng.shuffle(items)
    made = []
    holes = rng.sample(range(5, len(items) - 5), 4)
    for at, item in enumerate(items):
        made += [None] * (rng.choice([4, 30, 55]) if at in holes else 0)
        made.append(item)
    return made


def files(rng):
    drawn = data(rng)
    job = {
        "quarter": drawn["quarter"],
        "first_day": drawn["days"][0],
        "last_day": drawn["days"][1],
        "login": {"user": drawn["user"], "password": drawn["password"]},
        "key": drawn["key"],
    }
    return {"job.json": json.dumps(job, indent=2) + "\n"}
