"""Draws a history: the steps of several files, shuffled into one another, one of which breaks something.

Three files have a step that makes a loop simpler, "Comments from review". In one of them, drawn from the
seed, the simpler loop is wrong; in the others it is right. All later steps build upon it.
"""

import hashlib

# A step: message, path, what to replace (empty: append), what by.
MONEY = [
    (
        "Parse amounts",
        "settle/money.py",
        "",
        '''"""Amounts of money, in whole cents."""


def parse_amount(text):
    """Return the cents of an amount such as ``12.50``."""
    euros, _, cents = text.strip().partition(".")
    return int(euros) * 100 + int((cents + "00")[:2])
''',
    ),
    (
        "Format amounts",
        "settle/money.py",
        "",
        '''

def format_amount(cents):
    """Return cents as text, the reverse of ``parse_amount``."""
    return "%d.%02d" % (cents // 100, cents % 100)
''',
    ),
    (
        "Split an amount in proportion to weights",
        "settle/money.py",
        "",
        '''

def allocate(total, weights):
    """Split ``total`` cents in proportion to ``weights``; the parts sum up to the total.

    Parts are rounded down; the cents that are left go to the first parts with a weight above 0, one each.
    """
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    left = total - sum(parts)
    for index, weight in enumerate(weights):
        if left and weight:
            parts[index] += 1
            left -= 1
    return parts
''',
    ),
    (
        "Tests for money",
        "tests/test_money.py",
        "",
        """import unittest

from settle.money import allocate, format_amount, parse_amount


class TestMoney(unittest.TestCase):
    def test_parse(self):
        self.assertEqual(parse_amount("12.5"), 1250)

    def test_format(self):
        self.assertEqual(format_amount(1205), "12.05")

    def test_allocate(self):
        self.assertEqual(allocate(100, [1, 1, 1]), [34, 33, 33])
""",
    ),
    (
        "allocate: refuse weights that sum up to nothing",
        "settle/money.py",
        "    whole = sum(weights)\n",
        "    whole = sum(weights)\n    if whole <= 0:\n"
        '        raise ValueError("the weights must sum up to more than 0")\n',
    ),
    ("Comments from review", "settle/money.py", "@", "allocate"),
    (
        "format_amount: amounts below zero",
        "settle/money.py",
        '    return "%d.%02d" % (cents // 100, cents % 100)\n',
        '    sign = "-" if cents < 0 else ""\n    return "%s%d.%02d" % (sign, abs(cents) // 100, abs(cents) % 100)\n',
    ),
    (
        "allocate: totals below zero, as for refunds",
        "settle/money.py",
        "    parts = [total * weight // whole for weight in weights]\n    left = total - sum(parts)\n",
        "    sign, total = (-1, -total) if total < 0 else (1, total)\n"
        "    parts = [total * weight // whole for weight in weights]\n    left = total - sum(parts)\n",
    ),
    (
        "allocate: give refunds their sign back",
        "settle/money.py",
        "        parts[index] += 1\n    return parts\n",
        "        parts[index] += 1\n    return [sign * part for part in parts]\n",
    ),
    (
        "allocate: take any iterable of weights",
        "settle/money.py",
        "    whole = sum(weights)\n",
        "    weights = list(weights)\n    whole = sum(weights)\n",
    ),
    (
        "format_amount: separate thousands on request",
        "settle/money.py",
        'def format_amount(cents):\n    """Return cents as text, the reverse of ``parse_amount``."""\n',
        'def format_amount(cents, separator=""):\n'
        '    """Return cents as text, the thousands of euros apart by ``separator``."""\n',
    ),
    (
        "format_amount: really separate them",
        "settle/money.py",
        '    return "%s%d.%02d" % (sign, abs(cents) // 100, abs(cents) % 100)\n',
        '    euros = "{:,}".format(abs(cents) // 100).replace(",", separator)\n'
        '    return "%s%s.%02d" % (sign, euros, abs(cents) % 100)\n',
    ),
]
DUE = [
    (
        "Length of months",
        "settle/due.py",
        "",
        '''"""Dates on which something is due: ``(year, month, day)``."""


def days_in_month(year, month):
    """Return how many days a month has."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31
''',
    ),
    (
        "Months later",
        "settle/due.py",
        "",
        '''

def add_months(date, months):
    """Return the date so many months later: the same day, or the month's last one if it has no such day."""
    year, month, day = date
    index = year * 12 + month - 1 + months
    year, month = index // 12, index % 12 + 1
    return (year, month, min(day, days_in_month(year, month)))
''',
    ),
    (
        "Due dates of monthly instalments",
        "settle/due.py",
        "",
        '''

def instalments(first, count):
    """Return the due dates of ``count`` monthly instalments.

    All are due on the same day of the month as the first one, or on a month's last day if it has no such day.
    """
    dates = []
    for number in range(count):
        dates.append(add_months(first, number))
    return dates
''',
    ),
    (
        "Tests for due dates",
        "tests/test_due.py",
        "",
        """import unittest

from settle.due import add_months, days_in_month, instalments


class TestDue(unittest.TestCase):
    def test_february(self):
        self.assertEqual([days_in_month(year, 2) for year in (1900, 2000, 2023, 2024)], [28, 29, 28, 29])

    def test_months_later(self):
        self.assertEqual(add_months((2023, 1, 31), 1), (2023, 2, 28))

    def test_instalments(self):
        self.assertEqual(instalments((2023, 11, 15), 3), [(2023, 11, 15), (2023, 12, 15), (2024, 1, 15)])
""",
    ),
    (
        "instalments: refuse a count below 1",
        "settle/due.py",
        "    dates = []\n",
        '    if count < 1:\n        raise ValueError("count must be at least 1")\n    dates = []\n',
    ),
    ("Comments from review", "settle/due.py", "@", "instalments"),
    (
        "Say whether a date is overdue",
        "settle/due.py",
        "",
        '''

def is_overdue(date, today, grace=0):
    """Return whether ``today`` is more than ``grace`` whole months after ``date``."""
    return today > add_months(date, grace)
''',
    ),
    ("instalments: every so many months", "settle/due.py", "@", "every"),
    (
        "Months between two dates",
        "settle/due.py",
        "",
        '''

def months_between(start, end):
    """Return how many whole months go by from ``start`` to ``end``, which is not earlier."""
    months = (end[0] - start[0]) * 12 + end[1] - start[1]
    return months if add_months(start, months) <= end else months - 1
''',
    ),
    (
        "Quarters",
        "settle/due.py",
        "",
        '''

def quarter(date):
    """Return the quarter of a date, 1 to 4."""
    return (date[1] - 1) // 3 + 1
''',
    ),
]
TABLE = [
    (
        "Pad cells",
        "settle/table.py",
        "",
        '''"""Tables of text."""


def pad(cell, width):
    """Return a cell filled up with blanks."""
    return cell + " " * (width - len(cell))
''',
    ),
    (
        "Tables",
        "settle/table.py",
        "",
        '''

def table(rows):
    """Return rows of cells as text, each column as wide as its longest cell, two blanks between.

    Rows may have different lengths. There are no blanks at the end of a line.
    """
    widths = []
    for row in rows:
        for index, cell in enumerate(row):
            if index == len(widths):
                widths.append(0)
            widths[index] = max(widths[index], len(cell))
    lines = []
    for row in rows:
        cells = [pad(cell, width) for cell, width in zip(row, widths)]
        lines.append("  ".join(cells).rstrip())
    return "\\n".join(lines)
''',
    ),
    (
        "Tests for tables",
        "tests/test_table.py",
        "",
        """import unittest

from settle.table import table


class TestTable(unittest.TestCase):
    def test_columns(self):
        self.assertEqual(table([["Ann", "12.50"], ["Bartholomew", "3.00"]]), "Ann          12.50\\nBartholomew  3.00")

    def test_nothing(self):
        self.assertEqual(table([]), "")
""",
    ),
    (
        "Shorten cells",
        "settle/table.py",
        "",
        '''

def shorten(cell, width):
    """Return a cell of at most ``width`` characters; where something is cut off, it ends with a dot."""
    return cell if len(cell) <= width else cell[: max(0, width - 1)] + "."
''',
    ),
    ("Comments from review", "settle/table.py", "@", "table"),
    (
        "Pad on the left",
        "settle/table.py",
        'def pad(cell, width):\n    """Return a cell filled up with blanks."""\n',
        'def pad(cell, width, left=False):\n    """Return a cell filled up with blanks, on its left if asked for."""\n'
        "    if left:\n        return cell.rjust(width)\n",
    ),
    (
        "table: columns of numbers to the right",
        "settle/table.py",
        "def table(rows):\n",
        "def table(rows, numeric=()):\n",
    ),
    (
        "table: use the new parameter",
        "settle/table.py",
        "        cells = [pad(cell, width) for cell, width in zip(row, widths)]\n",
        "        cells = [pad(row[at], width, at in numeric) for at, width in enumerate(widths[: len(row)])]\n",
    ),
    (
        "table: document numeric",
        "settle/table.py",
        "    Rows may have different lengths.",
        "    Columns whose index is in ``numeric`` are padded on the left. Rows may have different lengths.",
    ),
    (
        "table: a line below the heading on request",
        "settle/table.py",
        "def table(rows, numeric=()):\n",
        "def table(rows, numeric=(), heading=False):\n",
    ),
    (
        "table: draw that line",
        "settle/table.py",
        '    return "\\n".join(lines)\n',
        "    if heading and lines:\n"
        '        lines.insert(1, "-" * max(map(len, lines)))\n    return "\\n".join(lines)\n',
    ),
]
PEOPLE = [
    (
        "Initials",
        "settle/people.py",
        "",
        '''"""People who share expenses."""


def initials(name):
    """Return the initials of a name."""
    return "".join(part[0].upper() for part in name.split())
''',
    ),
    (
        "Lists of names",
        "settle/people.py",
        "",
        '''

def listed(names):
    """Return names as a text: ``Ann, Bob and Eve``."""
    if len(names) < 2:
        return "".join(names)
    return ", ".join(names[:-1]) + " and " + names[-1]
''',
    ),
    (
        "initials: names with hyphens",
        "settle/people.py",
        "name.split())",
        'name.replace("-", " ").split())',
    ),
    (
        "Who has not paid",
        "settle/people.py",
        "",
        '''

def unpaid(names, payments):
    """Return the names without a payment, in their order."""
    paid = {name for name, _ in payments}
    return [name for name in names if name not in paid]
''',
    ),
    (
        "unpaid: payments of nothing are none",
        "settle/people.py",
        "for name, _ in payments}",
        "for name, cents in payments if cents > 0}",
    ),
]
DOCS = [
    ("README: what it is for", "README.md", "", "Settles expenses that several people share.\n"),
    ("README: how to run the tests", "README.md", "", "\nTests: `python3 -m unittest`\n"),
    ("README: units", "README.md", "", "\nAmounts are whole cents, dates are `(year, month, day)`.\n"),
]
# These stay together: what lies between can't be imported, so no test of it says anything.
UNUSABLE = [
    (
        "Export the names people use",
        "settle/__init__.py",
        "",
        "\nfrom settle.people import initials, list_names\n",
    ),
    ("README: export", "README.md", "", "\nThe most used names are in `settle` itself.\n"),
    ("settle: import what is there", "settle/__init__.py", "list_names", "listed"),
]
VARIANTS = ("allocate", "instalments", "table")
LOOPS = {
    "allocate": (
        "    for index, weight in enumerate(weights):\n        if left and weight:\n"
        "            parts[index] += 1\n            left -= 1\n",
        "    for index in [at for at, weight in enumerate(weights) if weight][:left]:\n        parts[index] += 1\n",
        "    for index in range(left):\n        parts[index] += 1\n",
    ),
    "instalments": (
        "    dates = []\n    for number in range(count):\n"
        "        dates.append(add_months(first, number))\n    return dates\n",
        "    dates = [first]\n    while len(dates) < count:\n"
        "        dates.append(add_months(first, len(dates)))\n    return dates\n",
        "    dates = [first]\n    while len(dates) < count:\n"
        "        dates.append(add_months(dates[-1], 1))\n    return dates\n",
    ),
    "table": (
        "    widths = []\n    for row in rows:\n        for index, cell in enumerate(row):\n"
        "            if index == len(widths):\n                widths.append(0)\n"
        "            widths[index] = max(widths[index], len(cell))\n",
        "    columns = range(max(map(len, rows), default=0))\n"
        "    widths = [max(len(row[at]) for row in rows if at < len(row)) for at in columns]\n",
        "    widths = [max(map(len, column)) for column in zip(*rows)]\n",
    ),
}
EVERY = {
    False: ("add_months(first, len(dates))", "add_months(first, every * len(dates))"),
    True: ("add_months(dates[-1], 1)", "add_months(dates[-1], every)"),
}
REPORTS = {
    "allocate": (
        "from settle.money import allocate; print(allocate(100, [0, 1, 1, 1]))",
        "[1, 33, 33, 33]",
        "[0, 34, 33, 33]",
        "Somebody who takes no share is charged a cent.",
    ),
    "instalments": (
        "from settle.due import instalments; print(instalments((2023, 1, 31), 3))",
        "[(2023, 1, 31), (2023, 2, 28), (2023, 3, 28)]",
        "[(2023, 1, 31), (2023, 2, 28), (2023, 3, 31)]",
        "After a short month all later instalments are due too early.",
    ),
    "table": (
        "from settle.table import table; print(table([['Ann', '12.50'], ['total']]))",
        "Ann\ntotal",
        "Ann    12.50\ntotal",
        "Cells are missing from some tables.",
    ),
}
MODULES = {"allocate": "settle/money.py", "instalments": "settle/due.py", "table": "settle/table.py"}
AUTHORS = ("Ines Auer", "Jan Kovac", "Mara Lind", "Tomas Reyes")
EPOCH = 1672531200
BUG = """# Regression

{what} With the release {good} this was right:

```
$ python3 -c "{command}"
{right}
```

With what is on `main` today it is:

```
{wrong}
```

Nobody knows since when. The tests never noticed.
"""


def files(rng):
    past = history(rng)
    command, wrong, right, what = REPORTS[past["variant"]]
    bug = BUG.format(what=what, good=past["good"], command=command, right=right, wrong=wrong)
    return {"history.fast-import": stream(past["commits"]), "BUG.md": bug}


def history(rng):
    """Return the commits, and which of them is the bad one."""
    variant = rng.choice(VARIANTS)
    while True:
        past = commits_of(order(rng), variant, rng)
        releases = [at for at, commit in enumerate(past) if commit["tag"]]
        bad = next(at for at, commit in enumerate(past) if commit["breaks"])
        good = [at for at in releases if at < bad and " " + variant + "(" in past[at]["tree"].get(MODULES[variant], "")]
        if good and good[0] < bad - 8 and bad < releases[-1]:
            release = next(past[at]["tag"] for at in releases if at > bad)
            good = past[good[0]]["tag"]
            return {"commits": past, "variant": variant, "bad": past[bad]["hash"], "release": release, "good": good}


def order(rng):
    """Shuffle the steps of the files into one another; what belongs together stays in its order."""
    queues = [list(steps) for steps in (MONEY, DUE, TABLE, PEOPLE, DOCS)]
    steps = []
    while any(queues):
        steps.append(rng.choice([queue for queue in queues for _ in queue]).pop(0))
    after = max(at for at, step in enumerate(steps) if step in (PEOPLE[1], DOCS[0])) + 1
    at = rng.randint(after, len(steps) - 2)
    steps[at:at] = UNUSABLE
    return steps


def commits_of(steps, variant, rng):
    tree = {
        "README.md": "# settle\n\n",
        "CHANGELOG.md": "# Changelog\n",
        "settle/__init__.py": '"""Settles shared expenses."""\n',
        "tests/__init__.py": "",
    }
    commits, time, number = [], EPOCH, 0

    def commit(message, tag="", breaks=False):
        nonlocal time
        time += rng.randint(3600, 200000)
        parent = commits[-1]["hash"] if commits else None
        author = rng.choice(AUTHORS)
        email = author.lower().replace(" ", ".") + "@example.org"
        made = {"message": message + "\n", "who": f"{author} <{email}> {time} +0000", "tag": tag}
        made.update(breaks=breaks, tree=dict(tree), parent=parent)
        made["hash"] = commit_hash(made)
        commits.append(made)

    commit("Begin")
    gap = rng.randint(7, 9)
    for step in steps:
        message, path, old, new = step
        if old == "@":
            good, bad = (LOOPS[new][1], LOOPS[new][2]) if new in LOOPS else ("", "")
            edits = [(LOOPS[new][0], bad if new == variant else good)] if new in LOOPS else every(variant)
        else:
            edits = [(old, new)]
        for one, other in edits:
            tree[path] = replaced(tree.get(path, ""), one, other)
        commit(message, breaks=old == "@" and new == variant)
        if len(commits) % gap == 0 and "list_names" not in tree["settle/__init__.py"]:
            number += 1
            version = f"0.{number}.0"
            tree["CHANGELOG.md"] += f"\n## {version}\n\nSee the log.\n"
            commit("Release " + version, "v" + version)
    return commits


def every(variant):
    """Return the edits of the step that gives instalments a parameter, upon either loop."""
    return [
        ("def instalments(first, count):\n", "def instalments(first, count, every=1):\n"),
        ("``count`` monthly instalments.\n", "``count`` instalments, ``every`` so many months.\n"),
        EVERY[variant == "instalments"],
    ]


def replaced(text, old, new):
    if not old:
        return text + new
    if text.count(old) != 1:
        raise ValueError(f"{old!r} stands {text.count(old)} times")
    return text.replace(old, new)


# ── git's formats ────────────────────────────────────────────────────────────────────────


def object_hash(kind, data):
    return hashlib.sha1(f"{kind} {len(data)}\0".encode() + data).hexdigest()


def tree_hash(files):
    """Return the hash of a folder, given as ``{path: text}``."""
    entries, folders = [], {}
    for path, text in files.items():
        name, _, rest = path.partition("/")
        if rest:
            folders.setdefault(name, {})[rest] = text
        else:
            entries.append((name, b"100644", object_hash("blob", text.encode())))
    entries += [(name + "/", b"40000", tree_hash(below)) for name, below in folders.items()]
    data = b"".join(
        mode + b" " + name.rstrip("/").encode() + b"\0" + bytes.fromhex(one) for name, mode, one in sorted(entries)
    )
    return object_hash("tree", data)


def commit_hash(commit):
    lines = ["tree " + tree_hash(commit["tree"])]
    if commit["parent"]:
        lines.append("parent " + commit["parent"])
    lines += ["author " + commit["who"], "committer " + commit["who"], "", commit["message"]]
    return object_hash("commit", "\n".join(lines).encode())


def stream(commits):
    """Return the commits as ``git fast-import`` reads them."""
    parts, before = [], {}
    for commit in commits:
        parts += ["commit refs/heads/main", "author " + commit["who"], "committer " + commit["who"]]
        parts.append(f"data {len(commit['message'].encode())}\n{commit['message']}")
        for path, text in commit["tree"].items():
            if before.get(path) != text:
                parts.append(f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}")
        if commit["tag"]:
            parts.append(f"reset refs/tags/{commit['tag']}\nfrom refs/heads/main\n")
        before = commit["tree"]
    return ("\n".join(parts) + "\n").encode()
