"""Looks right, but has money in floats, ids from what is there, argparse's own errors, and no care for the file."""

PROGRAM = r"""
import argparse, csv, json, os, sys

parser = argparse.ArgumentParser(prog="tab")
parser.add_argument("--file", default=os.environ.get("TAB_FILE", "tab.json"))
commands = parser.add_subparsers(dest="command", required=True)
add = commands.add_parser("add")
add.add_argument("payer")
add.add_argument("amount", type=float)
add.add_argument("people", nargs="+")
add.add_argument("--note", default="")
commands.add_parser("list").add_argument("--person")
commands.add_parser("balances")
commands.add_parser("settle")
commands.add_parser("remove").add_argument("ids", type=int, nargs="+")
commands.add_parser("import")
options = parser.parse_args()
try:
    book = json.load(open(options.file))
except FileNotFoundError:
    book = {"version": 1, "next": 1, "entries": []}
except ValueError:
    print("tab: broken ledger")
    sys.exit(3)
entries = book["entries"]


def append(payer, amount, people, note):
    number = max([e["id"] for e in entries], default=0) + 1
    entries.append({"id": number, "payer": payer, "cents": int(amount * 100), "people": people, "note": note})
    book["next"] = number + 1
    return number


def balances():
    held = {}
    for e in entries:
        held[e["payer"]] = held.get(e["payer"], 0) + e["cents"] / 100
        for person in e["people"]:
            held[person] = held.get(person, 0) - e["cents"] / 100 / len(e["people"])
    return held


if options.command == "add":
    print(append(options.payer, options.amount, options.people, options.note))
elif options.command == "list":
    for e in entries:
        if not options.person or options.person in [e["payer"]] + e["people"]:
            print(e["id"], e["payer"], "%.2f" % (e["cents"] / 100), ",".join(e["people"]), e["note"], sep="\t")
elif options.command == "balances":
    for name, value in sorted(balances().items()):
        print(name, "%+.2f" % value if round(value, 2) else "0.00", sep="\t")
elif options.command == "settle":
    held = balances()
    while max(held.values(), default=0) > 0.005:
        giver, taker = min(sorted(held), key=held.get), max(sorted(held), key=held.get)
        amount = min(-held[giver], held[taker])
        print(giver, taker, "%.2f" % amount, sep="\t")
        held[giver] += amount
        held[taker] -= amount
elif options.command == "remove":
    book["entries"] = [e for e in entries if e["id"] not in options.ids]
else:
    rows = list(csv.DictReader(sys.stdin))
    for row in rows:
        append(row["payer"], float(row["amount"]), row["people"].split(";"), row["note"])
    print(len(rows))
json.dump(book, open(options.file, "w"))
"""


def solve():
    yield {"name": "write_file", "arguments": {"path": "tab.py", "content": PROGRAM}}
    yield {"name": "run_tests", "arguments": {}}
    yield {"name": "submit", "arguments": {}}
