"""Looks at the module's structure by ast and at its behaviour by calls.

The untouched module behaves well, so that each test asks for a piece of the structure first, and a
module that has the structure and nothing in it fails for what it returns.
"""

import ast
import json

MODULE = "shipping_report.py"
ZONES = {"A": (490, 85), "B": (890, 145), "C": (1690, 310)}
ALLOWED = ("abc", "collections", "csv", "dataclasses", "enum", "functools", "html", "io", "itertools")
ALLOWED += ("operator", "typing", "__future__")
FORBIDDEN = ("exec", "eval", "compile", "open", "__import__", "__builtins__", "globals")
KINDS = ("text", "csv", "html")
CLASSES = {"text": "TextReport", "csv": "CsvReport", "html": "HtmlReport"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


# ── what the reports are, told independently of the module ───────────────────────────────


def euros(cents):
    text = str(cents).rjust(3, "0")
    return text[:-2] + "." + text[-2:]


def charged(grams):
    return -(-grams // 1000)


def cost_of(zone, grams, value, express):
    first, further = ZONES[zone]
    cents = first + further * (charged(grams) - 1)
    if express:
        cents = int(cents * 1.5) + 250
    return cents + max(0, value - 50000) // 100


def expected(kind, shipments, amount=euros):
    """Return the report on ``(ident, zone, grams, value, express)`` tuples."""
    lines, sums = [], []
    for zone in "ABC":
        mine = [(cost_of(*s[1:]), s) for s in shipments if s[1] == zone]
        mine.sort(key=lambda pair: pair[1][0])
        mine.sort(key=lambda pair: pair[0], reverse=True)
        lines += [row(kind, s, amount(cents)) for cents, s in mine]
        if mine:
            sums.append(sum(cents for cents, _ in mine))
            lines.append(subtotal(kind, zone, len(mine), amount(sums[-1])))
    whole = amount(sum(sums))
    if kind == "csv":
        lines = ["ident,zone,kg,express,cost"] + lines + ["total,,,," + whole]
    elif kind == "html":
        lines = ["<table>"] + lines + ['<tr class="total"><td>' + whole + "</td></tr>", "</table>"]
    else:
        last = "total: " + several(len(shipments)) + ", " + whole if shipments else "nothing shipped"
        lines = ["SHIPMENTS"] + lines + [last]
    return "".join(line + "\n" for line in lines)


def several(count):
    return "1 shipment" if count == 1 else str(count) + " shipments"


def row(kind, shipment, amount):
    ident, zone, grams, _, express = shipment
    kilos = str(charged(grams))
    if kind == "text":
        return (ident.ljust(12) + " " + kilos.rjust(4) + " kg " + amount.rjust(10) + (" !" if express else "")).rstrip()
    if kind == "csv":
        if set(ident) & {",", '"'}:
            ident = '"' + ident.replace('"', '""') + '"'
        return ",".join([ident, zone, kilos, "yes" if express else "no", amount])
    for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        ident = ident.replace(sign, name)
    cells = "".join("<td>" + cell + "</td>" for cell in (ident, zone, kilos, amount))
    return "<tr" + (' class="express"' if express else "") + ">" + cells + "</tr>"


def subtotal(kind, zone, count, amount):
    if kind == "text":
        return "  zone " + zone + ": " + several(count) + ", " + amount
    if kind == "csv":
        return "subtotal," + zone + ",,," + amount
    return '<tr class="subtotal"><td>%s</td><td>%d</td><td>%s</td></tr>' % (zone, count, amount)


def pairs(got, wanted):
    """Pair what came back with what should have; where nothing came back, nothing is right."""
    assert isinstance(got, list), "got %.300r" % (got,)
    assert len(got) == len(wanted), "got %d values, expected %d" % (len(got), len(wanted))
    return [(got[at], wanted[at]) for at in range(len(wanted))]


# ── hidden exports ───────────────────────────────────────────────────────────────────────


def draw(rng, count, zones="ABC"):
    """Return shipments and the export that lists them."""
    shipments, lines = [], ["# export %d" % rng.randint(1, 99)]
    for number in rng.sample(range(100, 1000), count):
        ident = rng.choice(["K-%d", "%d,b", '<%d> & "co"', "%d'", "lot %d of many more"]) % number
        zone, express = rng.choice(zones), rng.random() < 0.5
        grams = rng.choice([1, 999, 1000, 1001, rng.randint(2, 90000)])
        value = rng.choice([0, 50000, 50099, 50100, rng.randint(0, 900000)])
        shipments.append((ident, zone, grams, value, express))
        word = rng.choice(["y", "Yes", "1", "YES"] if express else ["n", "no", "", "0", "true"])
        fields = [ident, rng.choice([zone, zone.lower()]), str(grams), str(value), word]
        lines.append(";".join(rng.choice([field, " " + field + " "]) for field in fields) + rng.choice(["", "\n"]))
        if rng.random() < 0.3:
            lines.append(rng.choice(["", "  \n", "#;;;", "  # cancelled"]))
    return shipments, lines


def bad_lines(rng):
    """Return lines that can't be read, with what is said of them."""
    zone = rng.choice(["D", "q", "AB", ""])
    return [
        ("K-%d;A;1;1" % rng.randint(1, 99), "expected 5 fields, got 4"),
        ("K;B;1;1;y;", "expected 5 fields, got 6"),
        (" ;C;0;x;y", "no ident"),
        ("K;%s;0;0;n" % zone, "unknown zone %r" % zone),
        ("K;a;1.5;%d;n" % rng.randint(1, 99), "grams and value must be whole numbers"),
        ("K;a;0;;n", "grams and value must be whole numbers"),
        ("K;c;0;5;n", "grams or value out of range"),
        ("K;C;5;-1;n", "grams or value out of range"),
    ]


# ── structure ────────────────────────────────────────────────────────────────────────────


def tree_of(ws):
    text = ws.text(MODULE)
    assert len(text) < 50000, "the module is too long"
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise AssertionError("the module can't be read: %s" % error) from None


def functions_of(tree):
    return [node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]


def top(tree, kind, name):
    found = [node for node in tree.body if isinstance(node, kind) and node.name == name]
    assert len(found) == 1, "%s is not defined once at the top level" % name
    return found[0]


def is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def body_of(function):
    return function.body[1:] if is_docstring(function.body[0]) else function.body


def statements_in(nodes):
    return sum(isinstance(inner, ast.stmt) for node in nodes for inner in ast.walk(node))


def keeps_rules(ws, tree):
    """The whole program is in the one module, and it is a program that ast sees."""
    extra = [path for path in ws.files() if path.endswith((".py", ".pth", ".so", ".pyc")) and path != MODULE]
    extra = [path for path in extra if not path.startswith("tests/")]
    assert not extra, "other Python files: %s" % ", ".join(extra[:5])
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "." if not node.level else "."]
        for name in names:
            assert name.split(".")[0] in ALLOWED, "imports %s" % name
        word = getattr(node, "id", getattr(node, "attr", None))
        assert word not in FORBIDDEN, "uses %s" % word


def delegates(ws, kind):
    """The old function is one statement, and its class doesn't render itself."""
    tree = tree_of(ws)
    keeps_rules(ws, tree)
    function = top(tree, ast.FunctionDef, kind + "_report")
    count = statements_in(body_of(function))
    assert count == 1, "%s_report has %d statements" % (kind, count)
    top(tree, ast.ClassDef, CLASSES[kind])


def reports(ws, kinds=KINDS, counts=(9,)):
    """The reports on hidden exports are what they always were, called either way."""
    drawn = [draw(ws.rng, count) for count in counts]
    for got, kind in pairs(rendered(ws, kinds, [lines for _, lines in drawn]), kinds):
        for (old, new), (shipments, _) in pairs(got, drawn):
            wanted = expected(kind, shipments)
            assert old == wanted, "%s_report is not what it was: %.300r" % (kind, old)
            assert new == wanted, "%s(parse(lines)).render() differs: %.300r" % (CLASSES[kind], new)


def rendered(ws, kinds, exports):
    source = (
        "def both(old, new, lines):\n"
        "    return [getattr(m, old)(lines), getattr(m, new)(m.parse(lines)).render()]\n"
        "print(json.dumps([[both(*names, lines) for lines in given[1]] for names in given[0]]))\n"
    )
    return drive(ws, source, [(kind + "_report", CLASSES[kind]) for kind in kinds], exports)


HEAD = """\
import json, sys
sys.path.insert(0, "/workspace")
given = json.load(sys.stdin)
import shipping_report as m
"""


def drive(ws, source, *given):
    """Run a few lines after ``import shipping_report as m``; return what they print as JSON."""
    ran = ws.run(["python3", "-I", "-S", "-c", HEAD + source], stdin=json.dumps(given))
    assert ran.code == 0, "%s" % (ran.stderr.strip().splitlines() or [repr(ran)])[-1][:300]
    return ran.json()


# ── tests ────────────────────────────────────────────────────────────────────────────────


@public
def test_parse_returns_shipments(ws):
    """parse(lines) returns Shipment objects with the right fields, in the order of the lines"""
    shipments, lines = draw(ws.rng, 7)
    got = ws.call(MODULE, "parse", lines)
    for one, fields in pairs(got, shipments):
        assert getattr(one, "type_name", "") == "Shipment", "%.100r is no Shipment" % (one,)
        values = tuple(one.fields.get(name) for name in ("ident", "zone", "grams", "value", "express"))
        assert repr(values) == repr(fields), "got %.300r" % (values,)


@public
def test_text_report_is_one_statement(ws):
    """text_report is one statement, TextReport does the work, and the text is what it was"""
    delegates(ws, "text")
    lines = ["K-1;a;750;1999;no", "K-2;B;12000;129900;yes", "", "K-3;A;2001;50000;Y"]
    shipments = [("K-1", "A", 750, 1999, False), ("K-2", "B", 12000, 129900, True), ("K-3", "A", 2001, 50000, True)]
    ((old, new),) = rendered(ws, ["text"], [lines])[0]
    wanted = expected("text", shipments)
    assert old == wanted, "the text changed: %.400r" % (old,)
    assert new == wanted, "TextReport(parse(lines)).render() gives %.400r" % (new,)
    reports(ws, ["text"], (3, 6))


def test_shipment_is_a_frozen_dataclass(ws):
    shipments, _ = draw(ws.rng, 4)
    source = (
        "import dataclasses\n"
        "made = [m.Shipment(*fields) for fields in given[0]]\n"
        "def frozen(one):\n"
        "    try:\n"
        "        one.grams = 7\n"
        "    except dataclasses.FrozenInstanceError:\n"
        "        return True\n"
        "    return False\n"
        "names = [field.name for field in dataclasses.fields(m.Shipment)]\n"
        "print(json.dumps([names, [frozen(one) for one in made], made[0] == m.Shipment(*given[0][0]),\n"
        "    made[0] == made[1], [[one.kilos, one.cost] for one in made]]))\n"
    )
    names, frozen, same, other, derived = drive(ws, source, shipments)
    assert names == ["ident", "zone", "grams", "value", "express"], "fields are %r" % (names,)
    assert frozen == [True] * 4, "fields can be set"
    assert (same, other) == (True, False), "shipments don't compare by their fields"
    assert derived == [[charged(s[2]), cost_of(*s[1:])] for s in shipments], "kilos and cost are %r" % (derived,)


def test_rates_are_in_one_place(ws):
    tree = tree_of(ws)
    numbers = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and type(node.value) is int]
    for rate in (490, 85, 890, 145, 1690, 310):
        assert numbers.count(rate) == 1, "%d stands %d times in the module" % (rate, numbers.count(rate))
    rate = [ws.rng.randint(2000, 3000), ws.rng.randint(400, 500)]
    source = (
        "before = {zone: list(rate) for zone, rate in m.RATES.items()}\n"
        "m.RATES['B'] = tuple(given[0])\n"
        "costs = [m.Shipment('x', zone, 7500, 0, False).cost for zone in 'BA']\n"
        "print(json.dumps([before, costs, m.csv_report(['x;b;7500;0;n'])]))\n"
    )
    before, costs, text = drive(ws, source, rate)
    assert before == {zone: list(rates) for zone, rates in ZONES.items()}, "RATES is %r" % (before,)
    cents = rate[0] + 7 * rate[1]
    assert costs == [cents, 490 + 7 * 85], "Shipment.cost doesn't go by RATES"
    assert "x,B,8,no," + euros(cents) in text, "the reports don't go by RATES"


def test_money_is_in_one_place(ws):
    cents = [0, 5, 99, 100, 1905, ws.rng.randint(10**6, 10**9)]
    got = ws.calls(MODULE, "money", [(amount,) for amount in cents])
    assert got == [euros(amount) for amount in cents], "money gives %r" % (got,)
    shipments, lines = draw(ws.rng, 6)
    source = (
        "m.money = lambda cents: '<%s>' % cents\n"
        "print(json.dumps([m.text_report(given[0]), m.csv_report(given[0]), m.html_report(given[0])]))\n"
    )
    told = drive(ws, source, lines)
    for text, kind in pairs(told, KINDS):
        assert text == expected(kind, shipments, "<{}>".format), "%s_report writes amounts by itself" % kind


def test_errors_come_from_parse(ws):
    delegates(ws, "csv")
    bad = bad_lines(ws.rng)
    exports, said = [], []
    for line, problem in bad:
        _, lines = draw(ws.rng, ws.rng.randint(0, 3))
        exports.append(lines + ["", line, "K;;;;;;"])
        said.append("line %d: %s" % (len(lines) + 2, problem))
    source = (
        "def told(name, lines):\n"
        "    try:\n"
        "        return ['returned', str(getattr(m, name)(lines))]\n"
        "    except ValueError as error:\n"
        "        return [type(error).__name__, str(error)]\n"
        "print(json.dumps([[told(name, lines) for lines in given[1]] for name in given[0]]))\n"
    )
    names = ("parse", "text_report", "csv_report", "html_report")
    for got, name in pairs(drive(ws, source, names, exports), names):
        for (kind, message), wanted in pairs(got, said):
            assert (kind, message) == ("ValueError", wanted), "%s: %s %.200r, not %r" % (name, kind, message, wanted)


def test_text_report_is_kept(ws):
    delegates(ws, "text")
    reports(ws, ["text"], (0, 1, 2, 5, 25))


def test_csv_report_is_kept(ws):
    delegates(ws, "csv")
    reports(ws, ["csv"], (0, 1, 2, 5, 25))


def test_html_report_is_kept(ws):
    delegates(ws, "html")
    reports(ws, ["html"], (0, 1, 2, 5, 25))


def test_classes_render_shipments(ws):
    shipments, _ = draw(ws.rng, 12, zones="AC")
    source = (
        "given = [tuple(fields) for fields in given[0]]\n"
        "made = [m.Shipment(*fields) for fields in given]\n"
        "texts = [getattr(m, name)(made).render() for name in ('TextReport', 'CsvReport', 'HtmlReport')]\n"
        "kept = [one.ident for one in made] == [fields[0] for fields in given]\n"
        "print(json.dumps([texts, kept]))\n"
    )
    texts, kept = drive(ws, source, shipments)
    for text, kind in pairs(texts, KINDS):
        assert text == expected(kind, shipments), "%s renders %.300r" % (CLASSES[kind], text)
    assert kept is True, "the list of shipments was changed"


def test_render_is_defined_once(ws):
    tree = tree_of(ws)
    keeps_rules(ws, tree)
    renders = [function for function in functions_of(tree) if function.name == "render"]
    assert len(renders) == 1, "render is defined %d times" % len(renders)
    assert renders[0] in top(tree, ast.ClassDef, "Report").body, "render is not defined in Report"
    shipments, lines = draw(ws.rng, 5)
    source = (
        "kinds = [m.TextReport, m.CsvReport, m.HtmlReport]\n"
        "below = [issubclass(kind, m.Report) and 'render' not in vars(kind) for kind in kinds]\n"
        "text = m.html_report(given[0])\n"
        "render = m.Report.render\n"
        "m.Report.render = lambda self: type(self).__name__ + render(self)\n"
        "print(json.dumps([below, text, m.text_report(given[0]), m.csv_report(given[0]), m.html_report(given[0])]))\n"
    )
    below, before, *after = drive(ws, source, lines)
    assert below == [True] * 3, "the classes don't inherit render"
    assert before == expected("html", shipments), "html_report is not what it was"
    for text, kind in pairs(after, KINDS):
        assert text == CLASSES[kind] + expected(kind, shipments), "%s_report doesn't use %s" % (kind, CLASSES[kind])


def test_functions_are_short(ws):
    tree = tree_of(ws)
    keeps_rules(ws, tree)
    for function in functions_of(tree):
        body = body_of(function)
        assert statements_in(body) <= 15, "%s has %d statements" % (function.name, statements_in(body))
        lines = function.end_lineno - function.lineno + 1
        if is_docstring(function.body[0]):
            lines -= function.body[0].end_lineno - function.body[0].lineno + 1
        assert lines <= 15, "%s has %d lines" % (function.name, lines)
    longest = max(map(len, ws.text(MODULE).splitlines()))
    assert longest <= 100, "a line has %d characters" % longest
    loose = [node for node in tree.body if isinstance(node, (ast.For, ast.While, ast.With, ast.Try))]
    assert not loose, "work is done at the top level"
    reports(ws)


def test_nothing_is_copied(ws):
    tree = tree_of(ws)
    keeps_rules(ws, tree)
    seen = {}
    for function in functions_of(tree):
        for run in runs_of(function):
            assert run not in seen, "%s and %s hold the same statements" % (seen[run], function.name)
            seen[run] = function.name
    for kind in KINDS:
        delegates(ws, kind)
    reports(ws)


def runs_of(function):
    """Return the shortest runs of a function's statements that count four, variables without their names."""
    arguments = function.args
    names = {arg.arg for arg in arguments.posonlyargs + arguments.args + arguments.kwonlyargs}
    names |= {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    runs = []
    for block in blocks_of(function):
        block = [one for one in block if not is_docstring(one)]
        for start in range(len(block)):
            for end in range(start + 1, len(block) + 1):
                if statements_in(block[start:end]) >= 4:
                    runs.append("\n".join(nameless(one, names) for one in block[start:end]))
                    break  # a longer run holds this one
    return runs


def blocks_of(node):
    """Yield the lists of statements in a function, without those of functions inside it."""
    for _, value in ast.iter_fields(node):
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            yield value
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, FUNCTIONS):
                yield from blocks_of(child)


def nameless(statement, names):
    parts = []
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            parts.append("_" if node.id in names else node.id)
        elif isinstance(node, ast.Constant):
            parts.append(repr(node.value))
        else:
            parts.append(type(node).__name__ + getattr(node, "attr", ""))
    return " ".join(parts)
