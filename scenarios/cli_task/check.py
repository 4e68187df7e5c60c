"""Runs the program on ledgers drawn here, and works out in whole cents what it should say."""

import json
import shlex

PEOPLE = ["ann", "bob", "cid", "dora", "eve-2", "finn", "gus_t", "z9", "b", "annabel", "bo"]
END = "--- end of a command: "


def run_all(ws, *commands, stdin=""):
    """Run commands of a shell one after the other; return what became of each."""
    script = "".join("%s; printf '\\n%s%%d\\n' $?; printf '\\n%s\\n' >&2\n" % (each, END, END) for each in commands)
    ran = ws.run(script, stdin=stdin, cpu=3.0)
    out, err = ran.stdout.split("\n" + END), ran.stderr.split("\n%s\n" % END)
    assert len(out) == len(err) == len(commands) + 1, "not every command came to its end: %r" % (ran,)
    codes = [part.split("\n", 1) for part in out[1:]]
    texts = [out[0]] + [rest for _, rest in codes]
    return [Ran(int(codes[at][0]), texts[at], err[at], None) for at in range(len(commands))]


def tab(*arguments):
    return "python3 tab.py " + " ".join(shlex.quote(each) for each in arguments)


def said(ran, stdout):
    assert ran.code == 0, "%r" % (ran,)
    assert ran.stdout == stdout, "printed %.400r, expected %.400r" % (ran.stdout, stdout)
    assert not ran.stderr, "stderr: %.300r" % ran.stderr


def refused(ran, code, start="tab: "):
    assert ran.code == code, "exit code %s, expected %s: %r" % (ran.code, code, ran)
    assert not ran.stdout, "an error, but stdout is %.200r" % ran.stdout
    assert ran.stderr.startswith(start), "stderr: %.300r" % ran.stderr
    assert "Traceback" not in ran.stderr, "stderr: %.300r" % ran.stderr


def entry(rng, number, people=PEOPLE):
    chosen = rng.sample(people, rng.randint(1, 5))
    cents = rng.choice([rng.randint(1, 20), rng.randint(1, 99_999), rng.randint(1, 100_000_000)])
    note = rng.choice(["", "taxi", "bread, cheese", "größer »x«", '"quoted"', "2 x coffee; tea"])
    return {"id": number, "payer": rng.choice(people), "cents": cents, "people": chosen, "note": note}


def ledger(rng, count, people=PEOPLE):
    numbers = sorted(rng.sample(range(1, 3 * count), count))
    return {"version": 1, "next": 3 * count + 5, "entries": [entry(rng, number, people) for number in numbers]}


def put(ws, path, book):
    ws.write(path, json.dumps(book, indent=1))


def amount(cents):
    return "%d.%02d" % divmod(cents, 100)


def lines(entries):
    return "".join(
        "%d\t%s\t%s\t%s\t%s\n" % (e["id"], e["payer"], amount(e["cents"]), ",".join(e["people"]), e["note"])
        for e in entries
    )


def balances(entries):
    held = {}
    for e in entries:
        held[e["payer"]] = held.get(e["payer"], 0) + e["cents"]
        left, people = e["cents"], list(e["people"])
        while people:  # who comes first has an equal part of what is left, rounded up
            part = -(-left // len(people))
            name = people.pop(0)
            held[name] = held.get(name, 0) - part
            left -= part
    return held


def signed(cents):
    return "0.00" if cents == 0 else ("+" if cents > 0 else "-") + amount(abs(cents))


def balance_lines(entries):
    return "".join("%s\t%s\n" % (name, signed(cents)) for name, cents in sorted(balances(entries).items()))


def transfer_lines(entries):
    held = {name: cents for name, cents in balances(entries).items() if cents}
    made = ""
    while held:
        giver = min(held, key=lambda name: (held[name], name))
        taker = min(held, key=lambda name: (-held[name], name))
        moved = min(-held[giver], held[taker])
        made += "%s\t%s\t%s\n" % (giver, taker, amount(moved))
        held[giver] += moved
        held[taker] -= moved
        held = {name: cents for name, cents in held.items() if cents}
    return made


@public
def test_add_and_list(ws):
    """add prints ids from 1 on, and list shows the entries"""
    cents = ws.rng.randint(101, 9999)
    first = tab("add", "ann", "12.5", "ann", "bob", "--note", "taxi")
    one, two, listed = run_all(ws, first, tab("add", "bob", amount(cents), "ann"), tab("list"))
    said(one, "1\n")
    said(two, "2\n")
    said(listed, "1\tann\t12.50\tann,bob\ttaxi\n2\tbob\t%s\tann\t\n" % amount(cents))


@public
def test_balances_of_the_example(ws):
    """balances of examples/lisbon.json are ann +29.79, bob -44.20, cid +14.41"""
    rooms = {"id": 1, "payer": "ann", "cents": 8400, "people": ["ann", "bob", "cid"], "note": "rooms"}
    tram = {"id": 2, "payer": "bob", "cents": 1000, "people": ["cid", "ann", "bob"], "note": "tram tickets"}
    dinner = {"id": 4, "payer": "cid", "cents": 4575, "people": ["ann", "bob"], "note": "dinner, with wine"}
    put(ws, "examples/lisbon.json", {"version": 1, "next": 5, "entries": [rooms, tram, dinner]})
    more = [entry(ws.rng, 1)]
    put(ws, "more.json", {"version": 1, "next": 2, "entries": more})
    lisbon, other = (tab("--file", path, "balances") for path in ("examples/lisbon.json", "more.json"))
    one, two = run_all(ws, lisbon, other)
    said(one, balance_lines([rooms, tram, dinner]))
    said(two, balance_lines(more))


def test_ledger_file(ws):
    cases = [entry(ws.rng, number) for number in (1, 2)]
    commands = []
    for e in cases:
        arguments = [e["payer"], amount(e["cents"]), *e["people"]]
        at = ws.rng.randint(0, len(arguments))
        note = ["--note", e["note"]] if e["note"] else []
        commands.append(tab("--file", "trip.json", "add", *arguments[:at], *note, *arguments[at:]))
    for number, ran in enumerate(run_all(ws, *commands), 1):
        said(ran, "%d\n" % number)
    expected = {"version": 1, "next": 3, "entries": cases}
    assert ws.json("trip.json") == expected, "trip.json: %.300s" % ws.text("trip.json")
    assert not ws.exists("tab.json"), "tab.json was made, though --file names another"


def test_choice_of_file(ws):
    books = [ledger(ws.rng, 4) for _ in range(3)]
    for at, path in enumerate(("tab.json", "by variable.json", "by-option.json")):
        put(ws, path, books[at])
    variable = "TAB_FILE='by variable.json' "
    option = variable + tab("--file", "by-option.json", "list")
    elsewhere = "(cd examples && python3 ../tab.py list)"
    rans = run_all(ws, "TAB_FILE= " + tab("list"), variable + tab("list"), option, elsewhere)
    for at, book in enumerate(books):
        said(rans[at], lines(book["entries"]))
    said(rans[3], "")
    assert "examples/tab.json" not in ws.files(), "list of an empty ledger has made a file"


def test_list_of_a_person(ws):
    book = ledger(ws.rng, 25, PEOPLE[:5] + ["b", "bo", "annabel"])
    put(ws, "tab.json", book)
    names = ("b", "ann", "nobody")
    for at, ran in enumerate(run_all(ws, *(tab("list", "--person", name) for name in names))):
        said(ran, lines([e for e in book["entries"] if names[at] in (e["payer"], *e["people"])]))


def test_reading_changes_nothing(ws):
    book = ledger(ws.rng, 4)
    put(ws, "tab.json", book)
    before = ws.read("tab.json")
    listed, held, _ = run_all(ws, tab("list"), tab("balances"), tab("settle"))
    said(listed, lines(book["entries"]))
    said(held, balance_lines(book["entries"]))
    assert ws.read("tab.json") == before, "a command that only reads has written to the ledger"


def test_balances(ws):
    books = [ledger(ws.rng, 5), ledger(ws.rng, 40)]
    books[0]["entries"].append({"id": 99, "payer": "yan", "cents": 3, "people": ["yan"], "note": "nothing is owed"})
    for at, book in enumerate(books):
        put(ws, "%d.json" % at, book)
    for at, ran in enumerate(run_all(ws, tab("--file", "0.json", "balances"), tab("--file", "1.json", "balances"))):
        said(ran, balance_lines(books[at]["entries"]))


def test_settle(ws):
    book = ledger(ws.rng, 30)
    put(ws, "tab.json", book)
    names = ws.rng.sample(PEOPLE, 7)
    same = [
        {"id": n, "payer": names[n % 3], "cents": 500, "people": [names[3 + n % 4]], "note": ""} for n in range(1, 13)
    ]
    put(ws, "same.json", {"version": 1, "next": 13, "entries": same})
    even = {"id": 1, "payer": names[0], "cents": 300, "people": [names[0]], "note": "nothing is owed"}
    small = [even, {"id": 2, "payer": names[1], "cents": 1, "people": [names[2]], "note": "a cent is"}]
    put(ws, "small.json", {"version": 1, "next": 3, "entries": small})
    mixed, equal, cent = run_all(ws, *(tab("--file", f"{name}.json", "settle") for name in ("tab", "same", "small")))
    said(mixed, transfer_lines(book["entries"]))
    said(equal, transfer_lines(same))
    said(cent, transfer_lines(small))
    assert ws.json("tab.json") == book, "settle has changed the ledger"


def test_remove(ws):
    book = ledger(ws.rng, 8)
    put(ws, "tab.json", book)
    last = book["entries"][-1]["id"]
    gone = [*ws.rng.sample([e["id"] for e in book["entries"][:-1]], 3), last]
    copy = "cp tab.json after.json"
    missing, _, removed, added = run_all(
        ws,
        tab("remove", str(gone[0]), str(book["next"])),
        copy,
        tab("remove", *map(str, gone)),
        tab("add", "ann", "1", "bob"),
    )
    refused(missing, 1)
    assert ws.json("after.json") == book, "a remove that failed has changed the ledger"
    said(removed, "")
    said(added, "%d\n" % book["next"])
    new = {"id": book["next"], "payer": "ann", "cents": 100, "people": ["bob"], "note": ""}
    kept = [e for e in book["entries"] if e["id"] not in gone]
    assert ws.json("tab.json") == dict(book, next=book["next"] + 1, entries=[*kept, new]), ws.text("tab.json")[:500]


def csv_of(entries):
    rows = ["payer,amount,people,note"]
    for e in entries:
        note = '"%s"' % e["note"].replace('"', '""') if e["note"] else ""
        rows.append("%s,%s,%s,%s" % (e["payer"], amount(e["cents"]), ";".join(e["people"]), note))
    return rows


def test_import(ws):
    book, more = ledger(ws.rng, 3), [entry(ws.rng, 0) for _ in range(12)]
    put(ws, "tab.json", book)
    rows = csv_of(more)
    rows.insert(5, "")
    said(*run_all(ws, tab("import"), stdin="\n".join(rows) + "\n"), "12\n")
    said(*run_all(ws, tab("--file", "one.json", "import"), stdin="\n".join(csv_of(more)[:2]) + "\n"), "1\n")
    assert ws.json("one.json")["entries"] == [dict(more[0], id=1)], "one row was imported, but isn't in the ledger"
    added = [dict(e, id=book["next"] + at) for at, e in enumerate(more)]
    expected = dict(book, next=book["next"] + 12, entries=book["entries"] + added)
    assert ws.json("tab.json") == expected, "the ledger after import: %.300s" % ws.text("tab.json")


def test_import_of_wrong_rows(ws):
    rows = csv_of([entry(ws.rng, 0) for _ in range(14)])
    rows.insert(3, "")
    wrong = ["Ann,1,bob,", "ann,0,bob,", "ann,1,bob;bob,", "ann,1,,", "ann,1,bob", "ann,1.005,bob,", "ann,1,bob,,"]
    chosen = {at: wrong.pop(ws.rng.randrange(len(wrong))) for at in sorted(ws.rng.sample(range(4, len(rows)), 5))}
    ws.write("good.csv", "\n".join(row for at, row in enumerate(rows) if at not in chosen))
    ws.write("bad.csv", "\n".join(chosen.get(at, row) for at, row in enumerate(rows)) + "\n")
    ws.write("header.csv", "payer,people,amount,note\nann,bob,1,\n")
    bad, none, header, good = run_all(
        ws,
        tab("import") + " < bad.csv",
        "test ! -e tab.json",
        tab("import") + " < header.csv",
        tab("import") + " < good.csv",
    )
    refused(bad, 1, "line ")
    told = [line.partition(":")[0] for line in bad.stderr.splitlines()]
    assert told == ["line %d" % (at + 1) for at in chosen], "told %r, but lines %r are wrong" % (told, list(chosen))
    assert none.code == 0, "a failed import has made a ledger"
    refused(header, 1)
    said(good, "9\n")


def assert_usage(ws, *commands):
    """These are refused, the ledger stays as it is, and what is right isn't refused."""
    book = ledger(ws.rng, 3)
    put(ws, "tab.json", book)
    before = ws.read("tab.json")
    *wrong, right = run_all(ws, *(tab(*arguments) for arguments in commands), tab("list"))
    for ran in wrong:
        refused(ran, 2)
    assert ws.read("tab.json") == before, "wrong usage has changed the ledger"
    said(right, lines(book["entries"]))


def test_wrong_usage(ws):
    ws.write("broken.json", "{")
    others = [["list", "ann"], ["add", "ann", "5"], ["remove"], ["remove", "1x"], ["list", "--json"], ["liszt"]]
    assert_usage(
        ws,
        [],
        *ws.rng.sample(others, 4),
        ["remove", str(ws.rng.randint(1, 9)), "x"],
        ["--file", "broken.json", "settle", "now"],
    )


def test_malformed_names(ws):
    long = "a" + "".join(ws.rng.choice("bcd-_7") for _ in range(19))
    bad = ws.rng.sample(["Ann", "7up", "", "a b", "zoë", "ann\n"], 2)
    commands = [["add", bad[0], "5", "bob"], ["add", "ann", "5", "cid", bad[1]]]
    assert_usage(ws, *commands, ["add", "ann", "5", long + "x"], ["add", "ann", "5", "bob", "cid", "bob"])
    said(*run_all(ws, tab("--file", "new.json", "add", long, "5", "a")), "1\n")


def test_malformed_amounts(ws):
    odd = ws.rng.sample([".5", "12.", "1e3", "1.005", "1,000", "٣", "5\n", "+3", "0x10", "1_0", "nan"], 4)
    assert_usage(ws, *(["add", "ann", text, "bob"] for text in ("0.00", "1000000.01", *odd)))
    cents = ws.rng.randint(10, 99)
    texts = ["1000000", "0.%d" % cents, "007.1"]
    for number, ran in enumerate(run_all(ws, *(tab("--file", "new.json", "add", "ann", t, "bob") for t in texts)), 1):
        said(ran, "%d\n" % number)
    got = [e["cents"] for e in ws.json("new.json")["entries"]]
    assert got == [100_000_000, cents, 710], "%r became %r cents" % (texts, got)


def test_malformed_notes(ws):
    add = ["add", "ann", "5", "bob", "--note"]
    assert_usage(ws, [*add, "a\tb"], [*add, "a\nb"], add)
    note = "größer, \"x\" 'y' %d" % ws.rng.randint(10, 99)
    added, listed = run_all(ws, tab("--file", "new.json", *add, note), tab("--file", "new.json", "list"))
    said(added, "1\n")
    said(listed, "1\tann\t5.00\tbob\t%s\n" % note)


def test_unusable_ledger(ws):
    broken = [b"", b"[]", b'{"version": 2, "next": 1, "entries": []}', b'{"version": 1, "next"', b'{"version": "\xff"}']
    commands = [["list"], ["balances"], ["add", "ann", "5", "bob"], ["remove", "1"], ["settle"]]
    for at, data in enumerate(broken):
        ws.write("%d.json" % at, data)
    put(ws, "tab.json", ledger(ws.rng, 1))
    *rans, right = run_all(
        ws,
        *(tab("--file", "%d.json" % at, *command) for at, command in enumerate(ws.rng.sample(commands, 5))),
        tab("--file", "examples", "list"),
        tab("list"),
    )
    for ran in rans:
        refused(ran, 3)
    assert right.code == 0, "a ledger that can be used was not: %r" % (right,)
    for at, data in enumerate(broken):
        assert ws.read("%d.json" % at) == data, "a ledger that can't be used was changed"


def test_replaces_the_file(ws):
    book = ledger(ws.rng, 2)
    ws.run("rm -rf fresh; mkdir fresh")
    put(ws, "fresh/book.json", book)
    link = "ln fresh/book.json fresh/old.json"  # as a reader who has opened the old one sees it
    _, added = run_all(ws, link, tab("--file", "fresh/book.json", "add", "ann", "5", "bob"))
    said(added, "%d\n" % book["next"])
    assert ws.json("fresh/old.json") == book, "the file was written over, not replaced"
    assert len(ws.json("fresh/book.json")["entries"]) == 3, "nothing was added"
    assert ws.files("fresh") == ["fresh/book.json", "fresh/old.json"], "left behind: %s" % ws.files("fresh")
