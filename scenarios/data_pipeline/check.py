"""Runs the program on exports nobody has seen; the truth comes from how those were drawn."""

import json

TABLES = {
    "customers": ["customer_id", "name", "email", "country", "updated_on"],
    "products": ["sku", "title", "price_cents"],
    "orders": ["order_id", "customer_id", "sku", "quantity", "ordered_on", "status"],
    "rejects": ["file", "row", "reason"],
}
STRUCTURE = (
    "SELECT name, type, sql FROM sqlite_master WHERE type <> 'index' "
    "UNION ALL SELECT 'orders', 'rows', count(*) FROM orders "
    "UNION ALL SELECT 'broken references', 'rows', count(*) FROM pragma_foreign_key_check ORDER BY 1, 2"
)


def imported(ws, night, base="night.db", report="night.json"):
    """Run the program on an export, from another folder; the results go there."""
    assert ws.exists("pipeline.py"), "there is no pipeline.py"
    folder = "in_%d" % ws.rng.randrange(10**6)
    for name in night:
        ws.write("out/%s/%s" % (folder, name), night[name])
    return ws.run(["python3", "../pipeline.py", folder, "/workspace/out/" + base, report], cwd="/workspace/out")


def loaded(ws, dirty=True):
    """Run the program on a fresh export that is complete; return the truth."""
    night, truth = draw(ws.rng, dirty)
    ran = imported(ws, night)
    assert ran.code == 0, "pipeline.py: %r" % (ran,)
    return truth


def tables(ws, truth, kinds, base="out/night.db"):
    """The rows of some tables are as they should be."""
    assert ws.exists(base), "there is no %s" % base
    width = max(len(TABLES[kind]) for kind in kinds)
    parts = []
    for kind in kinds:
        columns = TABLES[kind] + ["NULL"] * (width - len(TABLES[kind]))
        parts.append("SELECT '%s', %s FROM %s" % (kind, ", ".join(columns), kind))
    rows = ws.sql(base, " UNION ALL ".join(parts) + " ORDER BY 1, 2, 3")
    for kind in kinds:
        expected = [[row[name] for name in TABLES[kind]] for row in truth[kind]]
        same([row[1 : len(TABLES[kind]) + 1] for row in rows if row[0] == kind], expected, kind)


def same(got, expected, what):
    for at, one in enumerate(expected):
        other = got[at] if at < len(got) else None
        assert exact(other) == exact(one), "%s: got %r, expected %r" % (what, other, one)
    assert len(got) == len(expected), "%s: got %d, expected %d" % (what, len(got), len(expected))


def reported(ws, truth, keys, report="out/night.json"):
    got = ws.json(report)
    assert isinstance(got, dict), "the report is no JSON object"
    for key in keys:
        wanted = truth["report"][key]
        assert key in got, "the report has no %r" % key
        assert exact(got[key]) == exact(wanted), "%s: got %.300r, expected %.300r" % (key, got[key], wanted)


def exact(value):
    """Text that tells 1 from 1.0 and true."""
    return json.dumps(value, sort_keys=True)


@public
def test_clean_export(ws):
    """an export without anything wrong in it is loaded and reported"""
    truth = loaded(ws, dirty=False)
    tables(ws, truth, ["customers", "products", "orders"])
    reported(ws, truth, ["files", "rejects", "revenue_cents"])


@public
def test_results_of_the_given_export(ws):
    """shop.db and report.json are there and have as many rows, loaded and rejected, as they should"""
    truth = draw(ws.setup_rng())[1]
    kinds = sorted(TABLES)
    assert ws.exists("shop.db"), "there is no shop.db"
    got = ws.sql("shop.db", "SELECT " + ", ".join("(SELECT count(*) FROM %s)" % kind for kind in kinds))
    same(got, [[len(truth[kind]) for kind in kinds]], "rows of %s" % ", ".join(kinds))
    reported(ws, truth, ["files", "rejects"], "report.json")


def test_results_in_full(ws):
    truth = draw(ws.setup_rng())[1]
    tables(ws, truth, sorted(TABLES), "shop.db")
    reported(ws, truth, sorted(truth["report"]), "report.json")


def test_customers(ws):
    tables(ws, loaded(ws), ["customers"])


def test_products(ws):
    tables(ws, loaded(ws), ["products"])


def test_orders(ws):
    tables(ws, loaded(ws), ["orders"])


def test_rejected_rows(ws):
    tables(ws, loaded(ws), ["rejects"])


def test_report_of_rows(ws):
    reported(ws, loaded(ws), ["files", "rejects"])


def test_report_of_revenue(ws):
    reported(ws, loaded(ws), ["revenue_cents", "revenue_by_month", "top_customers", "never_ordered"])


def test_another_night_replaces_the_first(ws):
    loaded(ws)
    truth = loaded(ws)
    tables(ws, truth, ["customers", "orders"])
    reported(ws, truth, sorted(truth["report"]))


def test_incomplete_exports(ws):
    night, truth = draw(ws.rng, False)
    ran = imported(ws, night)
    assert ran.code == 0, "pipeline.py doesn't load a complete export: %r" % (ran,)
    tables(ws, truth, ["customers"])
    before = ws.read("out/night.db"), ws.read("out/night.json")
    orders = [name for name in night if name.startswith("orders_")]
    lacking = dict(night)
    lacking[orders[-1]] = night[orders[-1]].replace(b"quantity", b"amount", 1)
    no_products, no_orders = [
        {name: night[name] for name in night if name not in gone} for gone in (["products.csv"], orders)
    ]
    for export in (no_products, no_orders, lacking):
        ran = imported(ws, export)
        assert ran.code == 2, "an incomplete export: %r" % (ran,)
        assert ran.stderr.strip(), "an incomplete export: no message"
        assert (ws.read("out/night.db"), ws.read("out/night.json")) == before, "an incomplete export left its traces"
    ran = imported(ws, no_orders, "none.db", "none.json")
    assert ran.code == 2, "an incomplete export: %r" % (ran,)
    assert not ws.exists("out/none.db"), "an incomplete export made a database"
    assert not ws.exists("out/none.json"), "an incomplete export made a report"


def test_schema(ws):
    truth = loaded(ws)
    given = [" ".join(each.split()) for each in ws.text("schema.sql").split(";") if each.strip()]
    expected = [[each.split()[2], "table", each] for each in given]
    assert sorted(name for name, _, _ in expected) == sorted(TABLES), "schema.sql was changed"
    expected += [["orders", "rows", str(len(truth["orders"]))], ["broken references", "rows", "0"]]
    got = ws.sql("out/night.db", STRUCTURE)
    same([[name, kind, " ".join(str(text).split())] for name, kind, text in got], sorted(expected), "the schema")
