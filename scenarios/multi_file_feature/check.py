"""Tries each layer with hidden carts, coupons and files; a test of what is kept asks for something new as well."""

import json
import re

DRIVER = """
import contextlib, io, json, os, sys
sys.path.insert(0, "/workspace")
calls = json.load(sys.stdin)
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
from shop.cart import Cart
from shop.catalog import Product
import shop.coupons as coupons, shop.orders as orders, shop.pricing as pricing, shop.receipt as receipt
import shop.storage as storage

def cart_of(lines):
    cart = Cart()
    for product, quantity in lines:
        cart.add(Product(*product), quantity)
    return cart

def quote(lines, coupon, today):
    more = {} if coupon is None else {"coupon": coupons.Coupon(**coupon), "today": today}
    got = pricing.quote(cart_of(lines), **more)
    return [got.subtotal, got.shipping, got.total, got.discount, got.coupon]

def place(path, lines, customer, coupon, today):
    more = {} if coupon is None else {"coupon": coupons.Coupon(**coupon), "today": today}
    order = orders.place_order(storage.OrderStore(path), cart_of(lines), customer, **more)
    return [order, list(order)]

def fields(coupon):
    return [coupon.code, coupon.kind, coupon.value, coupon.minimum, coupon.category, coupon.expires]

def load(path):
    return {code: fields(coupon) for code, coupon in coupons.load_coupons(path).items()}

def find(path, code):
    return coupons.find_coupon(coupons.load_coupons(path), code).code

def make(*values):
    return fields(coupons.Coupon(*values))

def freeze(code):
    coupon = coupons.Coupon(code, "fixed", 5)
    coupon.value = 6

def every(path):
    return storage.OrderStore(path).all()

def contents(path):
    with open(path) as file:
        return json.load(file)

def render(order):
    return receipt.render(order)

KNOWN = ("CouponError", "ValueError", "FrozenInstanceError")
answers = []
for name, arguments in calls:
    try:
        answers.append(["is", globals()[name](*arguments)])
    except Exception as error:
        kinds = [kind.__name__ for kind in type(error).__mro__]
        answers.append([next((one for one in KNOWN if one in kinds), kinds[0]), str(error)])
out.write(json.dumps(answers))
out.flush()
"""
KINDS = ("percent", "fixed", "shipping")
CATEGORIES = ("books", "gear", "food")


# ── what is right ────────────────────────────────────────────────────────────────────────


def amount(cents):
    return str(cents // 100) + "." + str(cents % 100).rjust(2, "0")


def priced(lines, coupon, today):
    """Return what a quote holds, or the message that a coupon can't be used."""
    subtotal = sum(product[3] * quantity for product, quantity in lines)
    shipping = 490 if subtotal < 5000 else 0
    if coupon is None:
        return ["is", [subtotal, shipping, subtotal + shipping, 0, None]]
    wanted, kind, code = coupon.get("category"), coupon["kind"], coupon["code"]
    mine = [product[3] * quantity for product, quantity in lines if wanted in (None, product[2])]
    if coupon.get("expires") and today > coupon["expires"]:
        return ["CouponError", "coupon expired: " + code]
    if not mine:
        return ["CouponError", "coupon does not apply: " + code]
    if sum(mine) < coupon.get("minimum", 0):
        return ["CouponError", "coupon needs at least %s: %s" % (amount(coupon["minimum"]), code)]
    discount = 0
    if kind == "percent":
        discount = (sum(mine) * coupon["value"] * 2 + 100) // 200
    elif kind == "fixed":
        discount = min(coupon["value"], sum(mine))
    else:
        shipping = 0
    return ["is", [subtotal, shipping, subtotal - discount + shipping, discount, code]]


def receipt_of(order):
    def row(label, cents, sign=""):
        text = sign + amount(cents)
        return label + " " * (30 - len(label)) + " " * (10 - len(text)) + text + "\n"

    text = "Order %d for %s\n\n" % (order["number"], order["customer"])
    for _, name, quantity, price in order["lines"]:
        text += row("%d x %s" % (quantity, name), quantity * price)
    text += "-" * 40 + "\n" + row("subtotal", order["subtotal"])
    if order.get("coupon"):
        text += row("discount " + order["coupon"], order["discount"], "-")
    return text + row("shipping", order["shipping"]) + row("total", order["total"])


# ── hidden carts, coupons, files ─────────────────────────────────────────────────────────


def draw_lines(rng, categories=CATEGORIES):
    lines = []
    for sku in rng.sample(range(100, 999), rng.randint(1, 4)):
        price = rng.choice([rng.randint(1, 99), rng.randint(100, 3000)])
        lines.append([["S%d" % sku, "Thing %d" % sku, rng.choice(categories), price], rng.randint(1, 3)])
    return lines


def draw_coupon(rng, kind):
    coupon = {"code": "C%d" % rng.randint(100, 999), "kind": kind}
    if kind != "shipping":
        coupon["value"] = rng.randint(1, 100) if kind == "percent" else rng.randint(1, 2500)
    if rng.random() < 0.4:
        coupon["category"] = rng.choice(CATEGORIES)
    if rng.random() < 0.4:
        coupon["minimum"] = rng.randint(1, 4000)
    if rng.random() < 0.4:
        coupon["expires"] = "2024-0%d-15" % rng.randint(1, 9)
    return coupon


def quotes(rng, kinds, wanted, count=12):
    """Return calls of ``quote`` with what is right, ``count`` of them with an outcome that is ``wanted``."""
    cases = []
    while len(cases) < count:
        lines, coupon = draw_lines(rng), draw_coupon(rng, rng.choice(kinds))
        today = "2024-0%d-1%d" % (rng.randint(1, 9), rng.randint(4, 6))
        right = priced(lines, coupon, today)
        if wanted(right):
            cases.append((["quote", [lines, coupon, today]], right))
    return cases


def an_order(rng, number):
    lines = draw_lines(rng)
    subtotal, shipping, total, _, _ = priced(lines, None, "")[1]
    order = {"number": number, "customer": "Customer %d" % rng.randint(1, 99)}
    order["lines"] = [[product[0], product[1], quantity, product[3]] for product, quantity in lines]
    return dict(order, subtotal=subtotal, shipping=shipping, total=total)


def plain(rng, count=3):
    """Calls of ``quote`` without a coupon."""
    drawn = [draw_lines(rng) for _ in range(count)]
    return [(["quote", [lines, None, None]], priced(lines, None, "")) for lines in drawn]


def drive(ws, calls):
    ran = ws.run(["python3", "-I", "-S", "-c", DRIVER], stdin=json.dumps(calls))
    assert ran.code == 0, "the package can't be used: %s" % (ran.stderr.strip().splitlines() or [repr(ran)])[-1][:300]
    answers = ran.json()
    assert isinstance(answers, list), "no answers"
    assert len(answers) == len(calls), "%d answers to %d calls" % (len(answers), len(calls))
    return answers


def expect(ws, cases):
    answers = drive(ws, [call for call, _ in cases])
    for at, (call, right) in enumerate(cases):
        assert answers[at] == right, "%s%.300r gives %.300r, not %.300r" % (call[0], call[1], answers[at], right)


def shop(ws, folder, *arguments):
    return ws.run(["python3", "-m", "shop", "--data", folder, *arguments])


def data_folder(ws, coupons, name="hidden"):
    """Write a data folder; return it and its products."""
    lines = draw_lines(ws.rng) + draw_lines(ws.rng)
    products = {line[0][0]: line[0] for line in lines}
    names = ("sku", "name", "category", "price")
    entries = [{names[at]: product[at] for at in range(4)} for product in products.values()]
    ws.write(name + "/catalog.json", json.dumps(entries))
    if coupons is not None:
        ws.write(name + "/coupons.json", json.dumps(coupons))
    return name, list(products.values())


# ── tests ────────────────────────────────────────────────────────────────────────────────


@public
def test_quote_with_a_percentage(ws):
    """quote(cart, coupon) takes a percentage off: ten percent of 24.90 are 2.49"""
    lines = [[["B1", "Field guide to birds", "books", 2490], 1]]
    coupon = {"code": "WELCOME10", "kind": "percent", "value": 10}
    cases = [(["quote", [lines, coupon, "2024-01-01"]], ["is", [2490, 490, 2731, 249, "WELCOME10"]])]
    for _ in range(4):
        lines, coupon = draw_lines(ws.rng), {"code": "C", "kind": "percent", "value": ws.rng.randint(1, 90)}
        cases.append((["quote", [lines, coupon, "2024-01-01"]], priced(lines, coupon, "2024-01-01")))
    expect(ws, cases)


@public
def test_order_with_a_coupon_on_the_command_line(ws):
    """python3 -m shop order "Jan Kovac" SKU --coupon welcome10 prints a receipt with a discount"""
    folder, products = data_folder(ws, [{"code": "WELCOME10", "kind": "percent", "value": 10}], "sample")
    product = products[0]
    subtotal, shipping, total, discount, _ = priced([[product, 1]], {"code": "", "kind": "percent", "value": 10}, "")[1]
    order = {"number": 1, "customer": "Jan Kovac", "lines": [[product[0], product[1], 1, product[3]]]}
    order.update(subtotal=subtotal, coupon="WELCOME10", discount=discount, shipping=shipping, total=total)
    ran = shop(ws, folder, "order", "Jan Kovac", product[0], "--coupon", "welcome10")
    assert (ran.code, ran.stdout) == (0, receipt_of(order)), "%r, expected %r" % (ran, receipt_of(order))


def test_coupons_are_checked(ws):
    rng = ws.rng
    value = rng.randint(1, 100)
    cases = [
        (["make", ["A", "percent", value]], ["is", ["A", "percent", value, 0, None, None]]),
        (["make", ["A", "fixed", 9, 5, "gear", "2024-01-01"]], ["is", ["A", "fixed", 9, 5, "gear", "2024-01-01"]]),
        (["make", ["A", "shipping"]], ["is", ["A", "shipping", 0, 0, None, None]]),
    ]
    for kind, bound in (("percent", 1), ("percent", 100), ("fixed", 1)):
        cases.append((["make", ["A", kind, bound]], ["is", ["A", kind, bound, 0, None, None]]))
    expect(ws, cases)
    bad = [["percent", 0], ["percent", 101], ["percent", -value], ["percent"], ["fixed", 0], ["fixed", -1]]
    bad += [["shipping", 5], ["gift", 5]]
    *refused, frozen = drive(ws, [["make", ["A", *one]] for one in bad] + [["freeze", ["A"]]])
    for at, told in enumerate(refused):
        assert told[0] == "ValueError", "a coupon %r gives %r" % (bad[at], told)
    assert frozen[0] == "FrozenInstanceError", "coupons can be changed"


def test_coupons_are_loaded_and_found(ws):
    code = "Mai%d" % ws.rng.randint(10, 99)
    entry = {"code": code, "kind": "fixed", "value": ws.rng.randint(1, 900)}
    other = {"code": "x", "kind": "shipping", "category": "food", "minimum": 7, "expires": "2024-02-29"}
    ws.write("c.json", json.dumps([entry, other]))
    ws.write("twice.json", json.dumps([entry, dict(other, code=code.swapcase())]))
    upper = code.upper()
    loaded = {
        upper: [upper, "fixed", entry["value"], 0, None, None],
        "X": ["X", "shipping", 0, 7, "food", "2024-02-29"],
    }
    expect(
        ws,
        [
            (["load", ["/workspace/c.json"]], ["is", loaded]),
            (["find", ["/workspace/c.json", "  %s\n" % code.swapcase()]], ["is", upper]),
            (["find", ["/workspace/c.json", " Mai "]], ["CouponError", "unknown coupon: Mai"]),
        ],
    )
    told = drive(ws, [["load", ["/workspace/twice.json"]]])[0]
    assert told[0] == "ValueError", "a code that is there twice gives %r" % (told,)


def test_percentages(ws):
    half = {"code": "HALF", "kind": "percent", "value": 50}
    edges = [[[["S", "S", "food", price], 1]] for price in (1, 2, 3, 99, 101)]
    cases = [(["quote", [lines, half, "2024-01-01"]], priced(lines, half, "2024-01-01")) for lines in edges]
    cases += quotes(ws.rng, ["percent"], lambda right: right[0] == "is", 20)
    expect(ws, cases)


def test_fixed_amounts(ws):
    expect(ws, quotes(ws.rng, ["fixed"], lambda right: right[0] == "is", 20))


def test_free_shipping(ws):
    cases = quotes(ws.rng, ["shipping"], lambda right: right[0] == "is" and right[1][0] < 5000, 6)
    big = quotes(ws.rng, ["fixed", "percent"], lambda right: right[0] == "is" and right[1][0] >= 5000 > right[1][2], 4)
    expect(ws, cases + big + plain(ws.rng))


def test_coupons_that_cant_be_used(ws):
    cases = []
    for word in ("expired", "apply", "needs"):
        cases += quotes(ws.rng, KINDS, lambda right, word=word: right[0] != "is" and word in right[1], 4)
    last = {"code": "L", "kind": "fixed", "value": 1, "expires": "2024-02-29", "minimum": 500}
    lines = [[["S", "S", "food", 500], 1]]
    for today in ("2024-02-29", "2024-03-01"):
        cases.append((["quote", [lines, last, today]], priced(lines, last, today)))
    cases.append((["quote", [lines, dict(last, expires="2001-01-01"), None]], ["CouponError", "coupon expired: L"]))
    endless = dict(last, expires="9999-01-01")
    cases.append((["quote", [lines, endless, None]], priced(lines, endless, "")))
    expect(ws, cases)


def test_orders_keep_the_coupon(ws):
    path = "/workspace/o.json"
    for number in (1, 2, 3):
        lines = draw_lines(ws.rng)
        coupon = draw_coupon(ws.rng, ("percent", "shipping", "fixed")[number - 1])
        coupon = None if number == 3 else {key: coupon[key] for key in coupon if key in ("code", "kind", "value")}
        right = priced(lines, coupon, "2024-01-01")[1]
        order, keys = drive(ws, [["place", [path, lines, " Ann ", coupon, "2024-01-01"]]])[0][1]
        wanted = ["number", "customer", "lines", "subtotal", "coupon", "discount", "shipping", "total"]
        assert keys == wanted, "the order has the keys %r" % keys
        got = [order[key] for key in ("subtotal", "shipping", "total", "discount", "coupon")]
        assert got == right, "the order holds %r, not %r" % (got, right)
        assert (order["number"], order["customer"]) == (number, "Ann"), "the order is %r" % order
        assert drive(ws, [["every", [path]]])[0][1][-1] == order, "the order is not what is stored"


def test_a_coupon_refused_stores_nothing(ws):
    path, lines = "/workspace/o.json", draw_lines(ws.rng, ["gear"])
    bad = {"code": "NO", "kind": "fixed", "value": 5, "category": "food"}
    good = {"code": "YES", "kind": "fixed", "value": 5}
    calls = [["place", [path, lines, "Ann", one, "2024-01-01"]] for one in (bad, good, bad)]
    told = drive(ws, [*calls, ["every", [path]]])
    assert told[0] == ["CouponError", "coupon does not apply: NO"], "got %r" % told[0]
    assert told[2] == told[0], "got %r" % told[2]
    assert [order["coupon"] for order in told[3][1]] == ["YES"], "there is stored %.300r" % told[3]


def test_old_orders_are_read_and_converted(ws):
    old = [an_order(ws.rng, 3), an_order(ws.rng, 7)]
    ws.write("old.json", json.dumps({"version": 1, "orders": old}))
    ws.write("newer.json", json.dumps({"version": 3, "orders": []}))
    lines = draw_lines(ws.rng)
    path = "/workspace/old.json"
    every, place = ["every", [path]], ["place", [path, lines, "Ann", None, None]]
    told = drive(ws, [every, place, ["contents", [path]], every, ["every", ["/workspace/newer.json"]]])
    known = [dict(order, coupon=None, discount=0) for order in old]
    assert told[0] == ["is", known], "old orders are read as %.300r" % told[0]
    assert told[1][0] == "is", "an order on top of old ones: %.300r" % told[1]
    assert told[1][1][0]["number"] == 8, "the next order has number %r" % told[1][1][0]["number"]
    wanted = {"version": 2, "orders": known + [told[1][1][0]]}
    assert told[2] == ["is", wanted], "the file holds %.400r" % told[2]
    assert told[3] == ["is", wanted["orders"]], "orders of version 2 are read as %.300r" % told[3]
    assert told[4][0] == "ValueError", "a file of version 3 gives %.300r" % told[4]


def test_receipts(ws):
    cases = []
    for number in range(1, 5):
        order = an_order(ws.rng, number)
        cases.append(order)
        cases.append(dict(order, coupon=None, discount=0))
        cases.append(dict(order, coupon="CODE%d" % number, discount=ws.rng.choice([ws.rng.randint(1, 99), 1234])))
        cases.append(dict(order, coupon="SHIP", discount=0))
    expect(ws, [(["render", [order]], ["is", receipt_of(order)]) for order in cases])


def test_command_line_places_orders(ws):
    coupon = {"code": "code%d" % ws.rng.randint(1, 99), "kind": "percent", "value": ws.rng.randint(1, 60)}
    coupon["expires"] = "2024-03-31"
    folder, products = data_folder(ws, [coupon])
    product = products[0]
    lines, code = [[product, 2]], coupon["code"].upper()
    subtotal, shipping, total, discount, _ = priced(lines, dict(coupon, code=code), "2024-03-31")[1]
    order = {"number": 1, "customer": "Ann", "lines": [[product[0], product[1], 2, product[3]]], "subtotal": subtotal}
    order.update(coupon=code, discount=discount, shipping=shipping, total=total)
    ran = shop(ws, folder, "order", "Ann", product[0] + ":2", "--coupon", " " + coupon["code"], "--today", "2024-03-31")
    assert (ran.code, ran.stdout) == (0, receipt_of(order)), repr(ran)
    again = shop(ws, folder, "receipt", "1")
    assert (again.code, again.stdout) == (0, receipt_of(order)), repr(again)
    listed = shop(ws, folder, "orders")
    assert listed.stdout == "1\tAnn\t%s\n" % amount(total), repr(listed)


def test_command_line_refuses(ws):
    coupons = [{"code": "OLD", "kind": "fixed", "value": 5, "expires": "2024-01-31"}]
    coupons.append({"code": "OK", "kind": "fixed", "value": 1})
    folder, products = data_folder(ws, coupons)
    sku = products[-1][0]
    for arguments, message in (
        (["--coupon", "old", "--today", "2024-02-01"], "coupon expired: OLD"),
        (["--coupon", "None%d " % ws.rng.randint(1, 9)], "unknown coupon: None"),
    ):
        ran = shop(ws, folder, "order", "Ann", sku, *arguments)
        assert (ran.code, ran.stdout) == (2, ""), repr(ran)
        assert ran.stderr.startswith("error: " + message), repr(ran)
        assert ran.stderr.count("\n") == 1, repr(ran)
    assert shop(ws, folder, "orders").stdout == "", "an order was stored"
    ran = shop(ws, folder, "order", "Ann", sku, "--coupon", "ok")
    assert ran.code == 0, repr(ran)
    assert "discount OK" in ran.stdout, repr(ran)
    bare, products = data_folder(ws, None, "bare")
    ran = shop(ws, bare, "order", "Bob", products[0][0])
    assert ran.code == 0, "without coupons.json: %r" % ran


def test_command_line_lists_coupons(ws):
    numbers = ws.rng.sample(range(10, 99), 6)
    days = {"c%d" % number: ws.rng.choice([None, "2024-03-31", "2024-04-01"]) for number in numbers}
    days.update(a1="2024-03-31", b1="2024-04-01", D1=None)
    coupons = [{"code": code, "kind": "shipping", "expires": day} for code, day in days.items()]
    folder, _ = data_folder(ws, coupons)
    for today in ("2024-03-31", "2024-04-01", "2024-04-02"):
        ran = shop(ws, folder, "coupons", "--today", today)
        right = sorted(code.upper() for code, day in days.items() if day is None or day >= today)
        assert (ran.code, ran.stdout.split("\n")) == (0, [*right, ""]), "on %s: %r" % (today, ran)
    ran = shop(ws, folder, "coupons")
    right = sorted(code.upper() for code, day in days.items() if not day)
    assert ran.stdout.split("\n") == [*right, ""], "today: %r" % ran


def test_version_changelog_and_docs(ws):
    ran = ws.run(["python3", "-c", "import shop; print(shop.__version__)"])
    assert ran.stdout == "1.5.0\n", "the version is %r" % ran.stdout
    headings = re.findall(r"(?m)^## (.*?)\s*$", ws.text("CHANGELOG.md"))
    assert headings == ["1.5.0", "1.4.0", "1.3.0"], "CHANGELOG.md has the sections %r" % headings
    new = ws.text("CHANGELOG.md").split("## 1.5.0")[1].split("## 1.4.0")[0]
    assert "coupon" in new.lower(), "CHANGELOG.md doesn't tell of coupons"
    assert "Receipts as plain text" in ws.text("CHANGELOG.md"), "CHANGELOG.md lost an entry"
    parts = re.split(r"(?m)^## ", ws.text("docs/usage.md"))
    section = [part for part in parts if re.match(r"Coupons\s*\n", part)]
    assert len(section) == 1, "docs/usage.md has %d sections on coupons" % len(section)
    for word in ("--coupon", "--today", "shop coupons"):
        assert word in section[0], "the section on coupons doesn't name %s" % word
    assert any(part.startswith("Orders") for part in parts), "docs/usage.md lost a section"


def test_the_tests_test_coupons(ws):
    """The agent's tests pass, and fail if no coupon ever takes anything off."""
    command = ["python3", "-m", "unittest", "discover", "tests"]
    ran = ws.run(command)
    assert ran.code == 0, "the tests fail: %s" % ran.stderr[-300:]
    count = re.search(r"Ran (\d+) tests?", ran.stderr)
    assert count is not None, "no test ran"
    lines = draw_lines(ws.rng)
    off = {"code": "X", "kind": "fixed", "value": 1}
    expect(ws, [(["quote", [lines, off, "2024-01-01"]], priced(lines, off, "2024-01-01"))])
    breaking = (
        "\n\n_right = quote\n\n\ndef quote(cart, coupon=None, today=None):\n"
        "    got = _right(cart)\n    return Quote(got.subtotal, got.shipping, got.total)\n"
    )
    ws.write("shop/pricing.py", ws.text("shop/pricing.py") + breaking)
    assert ws.run(command).code != 0, "no test fails if coupons take nothing off"
