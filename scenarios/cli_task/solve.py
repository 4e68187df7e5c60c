"""Reads the examples, writes the program, tries it, and hands it in."""

PROGRAM = r'''
"""tab: shared expenses."""

import csv
import heapq
import json
import os
import re
import sys

NAME = re.compile(r"[a-z][a-z0-9_-]{0,19}")
AMOUNT = re.compile(r"([0-9]+)(?:\.([0-9]{1,2}))?")
HEADER = ["payer", "amount", "people", "note"]


class Problem(Exception):
    """What ends the program, with its exit status."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def check_name(text):
    if not NAME.fullmatch(text):
        raise Problem(2, f"malformed name: {text!r}")


def read_cents(text):
    match = AMOUNT.fullmatch(text)
    value = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else 0
    if not 0 < value <= 100_000_000:
        raise Problem(2, f"malformed amount: {text!r}")
    return value


def make_entry(payer, amount, people, note):
    for name in (payer, *people):
        check_name(name)
    if not people or len(set(people)) < len(people):
        raise Problem(2, "give one or more persons, and each of them once")
    if re.search(r"[\t\r\n]", note):
        raise Problem(2, "a note can't hold tabs or line breaks")
    return {"id": 0, "payer": payer, "cents": read_cents(amount), "people": people, "note": note}


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            book = json.load(file)
    except FileNotFoundError:
        return {"version": 1, "next": 1, "entries": []}
    except (OSError, ValueError) as error:
        raise Problem(3, f"{path}: {error}") from None
    if not isinstance(book, dict) or book.get("version") != 1:
        raise Problem(3, f"{path}: no ledger of version 1")
    return book


def save(path, book):
    temporary = f"{path}.{os.getpid()}.new"
    try:
        with open(temporary, "x", encoding="utf-8") as file:
            json.dump(book, file, ensure_ascii=False, indent=1)
        os.replace(temporary, path)
    except OSError as error:
        raise Problem(3, f"{path}: {error}") from None


def shown(value):
    return f"{value // 100}.{value % 100:02}"


def append(book, entry):
    book["entries"].append({**entry, "id": book["next"]})
    book["next"] += 1


def held(book):
    totals = {}
    for entry in book["entries"]:
        totals[entry["payer"]] = totals.get(entry["payer"], 0) + entry["cents"]
        part, over = divmod(entry["cents"], len(entry["people"]))
        for place, person in enumerate(entry["people"]):
            totals[person] = totals.get(person, 0) - part - (place < over)
    return totals


# Each command reads its arguments, and returns what is to be done with the ledger: that
# returns what to print, and whether the ledger has changed.


def add(arguments):
    note = take_option(arguments, "--note") or ""
    if len(arguments) < 3:
        raise Problem(2, "usage: add PAYER AMOUNT PERSON... [--note TEXT]")
    entry = make_entry(arguments[0], arguments[1], arguments[2:], note)

    def run(book):
        append(book, entry)
        return [str(book["next"] - 1)], True

    return run


def list_entries(arguments):
    person = take_option(arguments, "--person")
    if person is not None:
        check_name(person)
    none_left(arguments)

    def run(book):
        lines = []
        for entry in book["entries"]:
            if person is None or person in (entry["payer"], *entry["people"]):
                people = ",".join(entry["people"])
                lines.append(f"{entry['id']}\t{entry['payer']}\t{shown(entry['cents'])}\t{people}\t{entry['note']}")
        return lines, False

    return run


def balances(arguments):
    none_left(arguments)

    def run(book):
        signs = {True: "+", False: ""}
        lines = []
        for person, value in sorted(held(book).items()):
            sign = "-" if value < 0 else signs[value > 0]
            lines.append(f"{person}\t{sign}{shown(abs(value))}")
        return lines, False

    return run


def settle(arguments):
    none_left(arguments)

    def run(book):
        totals, lines = held(book), []
        givers = [(value, person) for person, value in totals.items() if value < 0]
        takers = [(-value, person) for person, value in totals.items() if value > 0]
        heapq.heapify(givers)
        heapq.heapify(takers)
        while givers:
            (owes, giver), (gets, taker) = heapq.heappop(givers), heapq.heappop(takers)
            moved = min(-owes, -gets)
            lines.append(f"{giver}\t{taker}\t{shown(moved)}")
            if owes + moved:
                heapq.heappush(givers, (owes + moved, giver))
            if gets + moved:
                heapq.heappush(takers, (gets + moved, taker))
        return lines, False

    return run


def remove(arguments):
    if not arguments or not all(re.fullmatch("[0-9]+", each) for each in arguments):
        raise Problem(2, "usage: remove ID...")
    ids = {int(each) for each in arguments}

    def run(book):
        missing = ids - {entry["id"] for entry in book["entries"]}
        if missing:
            raise Problem(1, f"no entry {min(missing)}")
        book["entries"] = [entry for entry in book["entries"] if entry["id"] not in ids]
        return [], True

    return run


def import_rows(arguments):
    none_left(arguments)

    def run(book):
        sys.stdin.reconfigure(encoding="utf-8", newline="")
        reader = csv.reader(sys.stdin)
        if next(reader, None) != HEADER:
            raise Problem(1, "the input must begin with the header " + ",".join(HEADER))
        wrong, added = [], 0
        for row in filter(None, reader):
            try:
                if len(row) != len(HEADER):
                    raise Problem(1, f"expected {len(HEADER)} fields, got {len(row)}")
                append(book, make_entry(row[0], row[1], row[2].split(";"), row[3]))
                added += 1
            except Problem as problem:
                wrong.append(f"line {reader.line_num}: {problem}")
        if wrong:
            print("\n".join(wrong), file=sys.stderr)
            raise SystemExit(1)
        return [str(added)], added > 0

    return run


COMMANDS = {
    "add": add,
    "list": list_entries,
    "balances": balances,
    "settle": settle,
    "remove": remove,
    "import": import_rows,
}


def take_option(arguments, option):
    """Take an option and its value out of the arguments; return the value."""
    if option not in arguments:
        return None
    at = arguments.index(option)
    if at + 1 == len(arguments):
        raise Problem(2, f"{option} needs a value")
    value = arguments[at + 1]
    del arguments[at : at + 2]
    return value


def none_left(arguments):
    if arguments:
        raise Problem(2, f"unexpected argument: {arguments[0]!r}")


def main(arguments):
    path = None
    if arguments[:1] == ["--file"]:
        path = take_option(arguments, "--file")
    if not arguments or arguments[0] not in COMMANDS:
        raise Problem(2, "usage: tab.py [--file PATH] " + "|".join(COMMANDS))
    run = COMMANDS[arguments[0]](arguments[1:])
    path = path or os.environ.get("TAB_FILE") or "tab.json"
    book = load(path)
    lines, changed = run(book)
    if changed:
        save(path, book)
    sys.stdout.write("".join(line + "\n" for line in lines))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Problem as problem:
        print(f"tab: {problem}", file=sys.stderr)
        sys.exit(problem.code)
'''


def solve():
    seen = yield {"name": "bash", "arguments": {"command": "head examples/*"}}
    assert "lisbon" in seen
    yield {"name": "write_file", "arguments": {"path": "tab.py", "content": PROGRAM.lstrip()}}
    tries = "python3 tab.py --file examples/lisbon.json settle; python3 tab.py add Ann 3 bob; echo $?"
    seen = yield {"name": "bash", "arguments": {"command": tries}}
    assert "tab: " in seen
    seen = yield {"name": "run_tests", "arguments": {}}
    assert "All 2 public tests pass" in seen
    yield {"name": "submit", "arguments": {}}
