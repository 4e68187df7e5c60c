"""Draws a night's exports, together with what a right import makes of them."""

import datetime

COLUMNS = {
    "customers": ["customer_id", "name", "email", "country", "updated_on"],
    "products": ["sku", "title", "price"],
    "orders": ["order_id", "customer_id", "sku", "quantity", "ordered_on", "status"],
}
FIRST = ["Ada", "Bo", "Chloé", "Dmitri", "Eun-ji", "Femi", "Grace", "Hana", "Iñigo", "José", "Kavya", "Łukasz"]
LAST = ["King", "Ng", "O'Neil", "Petrov", "Sørensen", 'Tan "TT"', "Ueda", "Vega; Sons", "Weiß, Jr.", "Zhou"]
THINGS = ["Lamp", "Desk", 'Monitor 27"', "Chair, folding", "Mug", "Cable; 2 m", "Notebook", "Stand", "Plant", "Clock"]
PREFIXES = ["AB", "KIT", "HOME"]
COUNTRIES = ["DE", "FR", "US", "JP", "BR", "NG"]
BAD_DATES = [
    "2024-02-30",
    "31/04/2024",
    "20241301",
    "2023-02-29",
    "05/13/2024",
    "2024/05/06",
    "6 May 2024",
    "",
    "2024-5-6",
]
BAD = {
    "customer_id": ["", "0012", "C12", "K0012", "C00123", "C 012"],
    "name": ["", "  "],
    "email": ["", "ada", "ada@", "ada@shop", "@shop.example", "a da@shop.example", "a@b@shop.example", "ada@.example"],
    "country": ["", "D", "DEU", "D1", "4 "],
    "updated_on": BAD_DATES,
    "sku": ["", "A-100", "ABCDE-100", "AB-1000", "AB100", "AB-10"],
    "title": ["", "\t"],
    "price": ["", "-5.00", "12.345", "1,23.00", "free", "12.", "€9.99", "1.234,50", ".50", "1e3", "12 00"],
    "order_id": ["", "-4", "12.0", "x17", "1234567890"],
    "quantity": ["", "0", "1000", "-1", "2.0", "two", "1e2"],
    "ordered_on": BAD_DATES,
    "status": ["", "payed", "cancelled", "paid?"],
}


def files(rng):
    """Return the exports the agent is given."""
    return {"data/" + name: text for name, text in draw(rng)[0].items()}


def draw(rng, dirty=True):
    """Return ``({name: bytes}, truth)``; without dirt every row is good and plainly written."""
    night = _Night(rng, dirty)
    written = {}
    customers = night.customers()
    products = night.products()
    ids = [row["customer_id"] for row, _ in customers], [row["sku"] for row, _ in products]
    tables = [("customers.csv", "customers", customers), ("products.csv", "products", products)]
    numbers = rng.sample(range(1, 999999), 150)
    for at, day in enumerate(sorted(rng.sample(range(1, 29), 3))):
        orders = night.orders(numbers[at * 35 : at * 35 + 40], *ids)  # the files share some numbers
        tables.append((f"orders_{day:02d}.csv", "orders", orders))
    truth = _settle([(name, kind, [(row, reason) for row, (reason, _) in rows]) for name, kind, rows in tables])
    for name, kind, rows in tables:
        written[name] = night.text(COLUMNS[kind], [raw for _, (_, raw) in rows])
    if dirty:
        written["notes.txt"] = b"orders_old.csv is in the archive\n"
    return written, truth


class _Night:
    """Makes rows ``(row as it would be stored, (why it can't be or None, fields as written))``."""

    def __init__(self, rng, dirty):
        self.rng = rng
        self.dirty = dirty

    def customers(self):
        numbers = [f"C{number:04d}" for number in self.rng.sample(range(10000), 30)]
        rows = [self.customer(number) for number in numbers]
        if self.dirty:
            again = self.rng.sample(numbers, 8)
            rows += [self.customer(number) for number in again]
            for number in self.rng.sample(numbers, 3):  # the same day twice: the last one is kept
                day = self.day()
                rows += [self.customer(number, on=day), self.customer(number, on=day)]
            self.rng.shuffle(rows)
        return self.spoil("customers", rows)

    def customer(self, number, on=None):
        rng = self.rng
        name = rng.choice(FIRST) + " " + rng.choice(LAST)
        place = rng.choice(["shop", "mail.co", "web"])
        email = f"{rng.choice('abcdefgh')}{rng.randrange(1000)}@{place}.example"
        on = on or self.day()
        row = {"customer_id": number, "name": name, "email": email, "country": rng.choice(COUNTRIES), "updated_on": on}
        raw = dict(row, updated_on=self.date(on))
        if self.dirty:
            raw["customer_id"] = self.case(number)
            raw["name"] = name.replace(" ", rng.choice([" ", "  ", " \t", "\n"]), 1)
            raw["email"] = self.case(email)
            raw["country"] = self.case(row["country"])
        return row, (None, raw)

    def products(self):
        rng = self.rng
        skus = [f"{rng.choice(PREFIXES)}-{number:03d}" for number in rng.sample(range(1000), 24)]
        rows = [self.product(sku) for sku in skus]
        if self.dirty:
            rows += [self.product(sku) for sku in rng.sample(skus, 4)]
            rng.shuffle(rows)
        return self.spoil("products", rows)

    def product(self, sku):
        rng = self.rng
        title = rng.choice(THINGS)
        cents = rng.choice([rng.randrange(1000), rng.randrange(100000), rng.randrange(10000000), 1999, 114995, 5])
        row = {"sku": sku, "title": title, "price_cents": cents}
        raw = {"sku": sku, "title": title, "price": f"{cents // 100}.{cents % 100:02d}"}
        if self.dirty:
            raw["sku"] = self.case(sku)
            raw["price"] = self.price(cents)
        return row, (None, raw)

    def orders(self, numbers, customers, skus):
        rng = self.rng
        rows = [self.order(number, rng.choice(customers[:-5]), rng.choice(skus)) for number in numbers]
        if self.dirty:
            rows += [self.order(number, rng.choice(customers), rng.choice(skus)) for number in rng.sample(numbers, 4)]
            rows += [self.order(900000000 + number, f"C{rng.randrange(10000):04d}", "ZZ-000") for number in range(2)]
            rows.append(self.order(rng.randrange(999999), rng.choice(customers), "ZZ-001"))
            rng.shuffle(rows)
        return self.spoil("orders", rows)

    def order(self, number, customer, sku):
        rng = self.rng
        quantity = rng.choice([1, 1, 2, 3, 10, 999])
        on, status = self.day(), rng.choice(["paid", "paid", "paid", "open", "refunded"])
        row = {
            "order_id": number,
            "customer_id": customer,
            "sku": sku,
            "quantity": quantity,
            "ordered_on": on,
            "status": status,
        }
        raw = dict(row, order_id=str(number), quantity=str(quantity), ordered_on=self.date(on))
        if self.dirty:
            raw["order_id"] = rng.choice([str(number), f"{number:09d}"])
            raw.update((name, self.case(raw[name])) for name in ("customer_id", "sku", "status"))
        return row, (None, raw)

    def spoil(self, kind, rows):
        """Make some rows bad, each column's values among them."""
        if not self.dirty:
            return rows
        columns = COLUMNS[kind]
        for at, place in enumerate(self.rng.sample(range(len(rows)), len(columns) + 3)):
            row, (_, raw) = rows[place]
            raw = dict(raw)
            if at < 3:
                raw["+"] = ("one missing", "one more", "two empty")[at]
                rows[place] = row, ("columns", raw)
                continue
            column = columns[(at - 3) % len(columns)]
            raw[column] = self.rng.choice(BAD[column])
            later = columns[columns.index(column) + 1 :]
            if later and self.rng.random() < 0.3:  # two are bad: the first is the reason
                raw[later[-1]] = self.rng.choice(BAD[later[-1]])
            rows[place] = row, (column, raw)
        return rows

    def day(self):
        return (datetime.date(2024, 1, 1) + datetime.timedelta(days=self.rng.randrange(200))).isoformat()

    def date(self, iso):
        year, month, day = iso.split("-")
        ways = [iso, f"{day}/{month}/{year}", year + month + day]
        return self.rng.choice(ways if self.dirty else ways[:1])

    def case(self, text):
        return self.rng.choice([text, text, text.lower(), text.upper(), text.title()])

    def price(self, cents):
        whole, rest = divmod(cents, 100)
        text = self.rng.choice([str(whole), f"{whole:,}"])
        ways = [f"{text}.{rest:02d}"] + [f"{text}.{rest // 10}"] * (rest % 10 == 0) + [text] * (rest == 0)
        return self.rng.choice(["", "$"]) + self.rng.choice(ways)

    def text(self, columns, rows):
        """Write rows down as CSV."""
        rng = self.rng
        columns = list(columns)
        if self.dirty:
            columns.insert(rng.randrange(len(columns)), "remark")
            rng.shuffle(columns)
        separator = rng.choice(",;") if self.dirty else ","
        names = [self.field(self.case(name), separator) if self.dirty else name for name in columns]
        lines = [separator.join(names)]
        for row in rows:
            if self.dirty and rng.random() < 0.06:
                lines.append(rng.choice(["", "   "]))
            fields = [row.get(name, rng.choice(["", "call back", "ok; or so, I think"])) for name in columns]
            if "+" in row:
                fields = {"one missing": fields[:-1], "one more": [*fields, ""], "two empty": ["", ""]}[row["+"]]
            lines.append(separator.join(self.field(field, separator) for field in fields))
        text = rng.choice(["\n", "\r\n"] if self.dirty else ["\n"]).join(lines) + "\n"
        return (b"\xef\xbb\xbf" if self.dirty and rng.random() < 0.5 else b"") + text.encode()

    def field(self, text, separator):
        rng = self.rng
        if self.dirty:
            text = rng.choice(["", "", " "]) + text + rng.choice(["", "", "  "])
        if any(mark in text for mark in ',;"\n') or (self.dirty and rng.random() < 0.1):
            return '"' + text.replace('"', '""') + '"'
        return text


def _settle(tables):
    """Return what a right import stores and reports, from rows ``(as stored, reason)``."""
    kept = {"customers": {}, "products": {}, "orders": {}}
    rejects, counts = [], {}
    for name, kind, rows in tables:
        counts[name] = len(rows)
        key = COLUMNS[kind][0]
        for number, (row, reason) in enumerate(rows, 1):
            if reason is None and kind == "orders":
                known = row["customer_id"] in kept["customers"] and row["sku"] in kept["products"]
                reason = None if known else "reference"
            if reason is not None:
                rejects.append([name, number, reason])
                continue
            other = kept[kind].get(row[key])
            wins = other is None or kind == "products"
            wins = wins or (kind == "customers" and row["updated_on"] >= other[0]["updated_on"])
            if wins:
                kept[kind][row[key]] = row, name, number
            loser = other if wins else (row, name, number)
            if loser is not None:
                rejects.append([loser[1], loser[2], "duplicate"])
    stored = {
        kind: sorted((each[0] for each in rows.values()), key=lambda row: row[COLUMNS[kind][0]])
        for kind, rows in kept.items()
    }
    rejected = [{"file": name, "row": number, "reason": reason} for name, number, reason in sorted(rejects)]
    return dict(stored, rejects=rejected, report=_report(stored, counts, rejects))


def _report(stored, counts, rejects):
    lost, reasons, months, revenue = {}, {}, {}, {}
    for name, _, reason in rejects:
        lost[name] = lost.get(name, 0) + 1
        reasons[reason] = reasons.get(reason, 0) + 1
    prices = {row["sku"]: row["price_cents"] for row in stored["products"]}
    names = {row["customer_id"]: row["name"] for row in stored["customers"]}
    for row in stored["orders"]:
        if row["status"] == "paid":
            cents = row["quantity"] * prices[row["sku"]]
            months[row["ordered_on"][:7]] = months.get(row["ordered_on"][:7], 0) + cents
            revenue[row["customer_id"]] = revenue.get(row["customer_id"], 0) + cents
    best = sorted(revenue, key=lambda customer: (-revenue[customer], customer))[:5]
    ordered = {row["customer_id"] for row in stored["orders"]}
    return {
        "files": {
            name: {"rows": rows, "loaded": rows - lost.get(name, 0), "rejected": lost.get(name, 0)}
            for name, rows in counts.items()
        },
        "rejects": reasons,
        "revenue_cents": sum(revenue.values()),
        "revenue_by_month": months,
        "top_customers": [{"customer_id": c, "name": names[c], "revenue_cents": revenue[c]} for c in best],
        "never_ordered": sorted(set(names) - ordered),
    }
