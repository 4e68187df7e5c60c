"""Works the report out from the drawn books, and looks at what the service holds and has been asked."""

import datetime
import json
from fractions import Fraction


def money(value):
    cents = value * 100
    assert cents.denominator == 1
    return "%s%d.%02d" % ("-" if cents < 0 else "", abs(cents) // 100, abs(cents) % 100)


def latest(slots):
    found = {}
    for item in slots:
        if item is not None and (item["id"] not in found or found[item["id"]]["version"] < item["version"]):
            found[item["id"]] = item
    return found


def utc(text):
    moment = datetime.datetime.fromisoformat(text)
    return (moment - moment.utcoffset()).replace(tzinfo=None).isoformat()


def expected(ws):
    """Return the books and the right report."""
    books = data(ws.setup_rng())
    orders = {
        name: order
        for name, order in latest(books["orders"]).items()
        if order["status"] == "paid" and books["start"] <= utc(order["placed"]) < books["end"]
    }
    nets, counts = {}, {}
    owner = {}
    for name, order in orders.items():
        customer = books["customers"][order["customer"]]
        while "merged_into" in customer:
            customer = books["customers"][customer["merged_into"]]
        owner[name] = customer["id"]
        value = sum(line["quantity"] * Fraction(line["unit_price"]) for line in order["lines"])
        nets[customer["id"]] = nets.get(customer["id"], 0) + value
        counts[customer["id"]] = counts.get(customer["id"], 0) + 1
    for refund in latest(books["refunds"]).values():
        if refund["status"] == "done" and refund["order"] in orders:
            nets[owner[refund["order"]]] -= Fraction(refund["amount"])
    customers = [
        {"id": name, "name": books["customers"][name]["name"], "orders": counts[name], "net": money(nets[name])}
        for name in sorted(nets, key=lambda name: (-nets[name], name))
    ]
    total = money(sum(nets.values()))
    return books, {"quarter": books["quarter"], "orders": len(orders), "total": total, "customers": customers}


def report(ws):
    """Return report.json and the right one; it must be more than a form: half of its customers are right."""
    books, right = expected(ws)
    got = ws.json("report.json")
    assert isinstance(got, dict), "report.json holds no object"
    customers = got.get("customers")
    assert isinstance(customers, list), "report.json has no list of customers"
    assert all(isinstance(each, dict) for each in customers), "report.json has customers that are no objects"
    named = [[each.get("id"), each.get("name")] for each in customers]
    known = [each for each in right["customers"] if [each["id"], each["name"]] in named]
    assert 2 * len(known) > len(right["customers"]), "most customers with orders in the quarter are missing"
    return got, right


def state(ws):
    kept = ws.service_state()
    assert kept, "nothing has been asked of the service"
    return kept


def assert_read(ws, name):
    books, kept = expected(ws)[0], state(ws)
    end = 0
    for start, stop in sorted(kept["served"][name]):
        assert start <= end, "items of %s from place %d on were never read" % (name, end)
        end = max(end, stop)
    assert end == len(books[name]), "the list of %s was read up to place %d of %d" % (name, end, len(books[name]))


@public
def test_signed_in(ws):
    """The service has seen a login, and given out a page of orders"""
    kept = state(ws)
    assert kept["logins"] > 0, "nobody has signed in yet"
    assert kept["served"]["orders"], "no page of orders was asked for with a token"


@public
def test_form_of_the_report(ws):
    """report.json has the form the prompt shows, and most of the customers"""
    got, right = report(ws)
    assert sorted(got) == sorted(right), "its keys are %s" % sorted(got)
    assert got["quarter"] == right["quarter"], "quarter is %r" % (got["quarter"],)
    assert type(got["orders"]) is int, "orders is %r" % (got["orders"],)
    for amount in [got["total"], *(each.get("net") for each in got["customers"])]:
        assert isinstance(amount, str), "an amount must be text: %r" % (amount,)
        whole, _, cents = amount.lstrip("-").partition(".")
        assert [whole.isdigit(), cents.isdigit(), len(cents)] == [True, True, 2], "an amount is %r" % amount
    for each in got["customers"]:
        assert sorted(each) == ["id", "name", "net", "orders"], "a customer is %r" % (each,)


def test_read_all_orders(ws):
    assert_read(ws, "orders")


def test_read_all_refunds(ws):
    assert_read(ws, "refunds")


def test_asked_for_customers(ws):
    books, right = expected(ws)
    missing = {each["id"] for each in right["customers"]} - set(state(ws)["asked"])
    assert not missing, "never asked for %s" % sorted(missing)


def test_number_of_orders(ws):
    got, right = report(ws)
    assert got.get("orders") == right["orders"], "%r orders" % (got.get("orders"),)


def test_customers(ws):
    got, right = report(ws)
    ids = [[[each.get("id"), each.get("name")] for each in one["customers"]] for one in (got, right)]
    assert sorted(ids[0], key=str) == sorted(ids[1]), "customers are %r" % (ids[0],)


def test_orders_of_customers(ws):
    got, right = report(ws)
    counts = [{str(each.get("id")): each.get("orders") for each in one["customers"]} for one in (got, right)]
    assert counts[0] == counts[1], "orders of customers are %r" % (counts[0],)


def test_total(ws):
    got, right = report(ws)
    assert got.get("total") == right["total"], "total is %r" % (got.get("total"),)


def test_net_of_customers(ws):
    got, right = report(ws)
    assert got["customers"] == right["customers"], "customers are %r" % (got["customers"],)


def posted(ws):
    """Return what the service holds under the key of the job; it is what is in report.json."""
    got, right = report(ws)
    kept, key = state(ws)["reports"], expected(ws)[0]["key"]
    assert key in kept, "there is no report under the key of job.json"
    assert json.loads(kept[key]["text"]) == got, "the posted report is not the one in report.json"
    return kept, key


def test_posted_what_was_written(ws):
    posted(ws)


def test_posted_once(ws):
    kept, key = posted(ws)
    assert list(kept) == [key], "there are %d reports" % len(kept)


def test_receipt(ws):
    kept, key = posted(ws)
    wanted = {"receipt": kept[key]["receipt"], "key": key}
    assert ws.json("receipt.json") == wanted, "receipt.json holds %.200s" % ws.text("receipt.json")
