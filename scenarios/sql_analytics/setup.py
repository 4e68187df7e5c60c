"""Draws the rows of a billing database."""

import datetime
import json

NAMES = ["Acorn", "Birch", "Cedar", "Dune", "Elm", "Fjord", "Grove", "Heath", "Iris", "Juniper", "Kelp", "Larch"]
KINDS = ["Ltd", "GmbH", "SARL", "Inc", "& Sons"]
COUNTRIES = ["BR", "DE", "FR", "JP", "KE", "US"]


def files(rng):
    """Return the rows, of which ``setup.sh`` makes the database."""
    return {"rows.json": json.dumps(draw(rng))}


def draw(rng, accounts=40):
    """Return ``{table: rows}``: ties, gaps and boundaries come up in all of them."""
    start = datetime.date(rng.randrange(2001, 2030), rng.choice([9, 10, 11]), 1)  # a new year comes in between
    countries = rng.sample(COUNTRIES, 4)
    rows = {"accounts": [], "invoices": [], "events": []}
    for number in rng.sample(range(1, 1000), accounts):
        name = f"{rng.choice(NAMES)} {rng.choice(KINDS)}"
        signed_up = start + datetime.timedelta(days=rng.randrange(150))
        rows["accounts"].append([number, name, rng.choice(countries), signed_up.isoformat()])
        if rng.random() < 0.9:
            rows["events"] += _events(rng, number, signed_up)
    quiet = [(start.month + 2 + rng.randrange(2)) % 12 + 1]  # a month in which no invoice is issued
    for account, _, _, signed_up in rows["accounts"]:
        rows["invoices"] += _invoices(rng, account, datetime.date.fromisoformat(signed_up), quiet)
    _numbered(rng, rows["invoices"])
    _age(rng, rows["invoices"])
    for table in sorted(rows):
        rng.shuffle(rows[table])
    return rows


def _events(rng, account, signed_up):
    at = datetime.datetime.combine(signed_up, datetime.time(rng.randrange(24), rng.randrange(60)))
    events = []
    for _ in range(rng.randrange(1, 7)):  # visits, days or months apart
        for _ in range(rng.randrange(1, 4)):  # on days in a row
            events.append([account, at.isoformat(" ")])
            moment = at
            for _ in range(rng.randrange(4)):
                moment += datetime.timedelta(seconds=rng.choice([0, 1, 59, 600, 1799, 1800, 1800, 1801, 5400]))
                events.append([account, moment.isoformat(" ")])
            at += datetime.timedelta(days=1, minutes=rng.randrange(-30, 30))
        at += datetime.timedelta(days=rng.choice([1, 2, 5, 20, 33, 61]), seconds=rng.randrange(7200))
    return events


def _invoices(rng, account, signed_up, quiet):
    invoices = []
    for _ in range(rng.randrange(6)):
        issued = signed_up + datetime.timedelta(days=rng.randrange(200))
        if issued.month in quiet:
            continue
        paid = issued + datetime.timedelta(days=rng.choice([0, 1, 3, 7, 14, 30, 31, 45]))
        amount = rng.choice([900, 2500, 2500, 4900, 12000])
        invoices.append([0, account, issued.isoformat(), amount, paid.isoformat() if rng.random() < 0.7 else None])
    return invoices


def _numbered(rng, invoices):
    for invoice, number in zip(invoices, rng.sample(range(1, 99999), len(invoices))):  # noqa: B905 - Python 3.8
        invoice[0] = number


def _age(rng, invoices):
    """Add invoices that aren't paid and just within or beyond a bucket; the latest one is paid."""
    latest = max(datetime.date.fromisoformat(invoice[2]) for invoice in invoices)
    latest += datetime.timedelta(days=rng.randrange(20))
    account = invoices[0][1]
    invoices.append([100000, account, latest.isoformat(), 700, latest.isoformat()])
    for at, days in enumerate((0, 30, 31, 60, 61), 1):
        issued = latest - datetime.timedelta(days=days)
        invoices.append([100000 + at, account, issued.isoformat(), 10**at, None])
