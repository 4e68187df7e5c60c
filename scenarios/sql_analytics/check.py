"""Runs the queries on databases drawn for it; what they should return is worked out in Python."""

import datetime
import json
import zlib

RUNNER = r"""
import json, sqlite3, sys, zlib
schema, databases, queries = json.loads(zlib.decompress(sys.stdin.buffer.read()))
answers = []
for rows in databases:
    base = sqlite3.connect(":memory:")
    base.executescript(schema)
    for table, each in rows.items():
        if each:
            base.executemany("INSERT INTO %s VALUES (%s)" % (table, ", ".join("?" * len(each[0]))), each)
    base.commit()
    base.execute("PRAGMA query_only = ON")
    for query in queries:
        left = iter([0] * 19)
        base.set_progress_handler(lambda: next(left, 1), 1000000)
        try:
            cursor = base.execute(query)
            answers.append([[column[0] for column in cursor.description or []], cursor.fetchmany(5000)])
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            print(json.dumps(answers + [[None, str(error)]], default=repr))
            sys.exit()
print(json.dumps(answers, default=repr))
"""
SCHEMA = """
CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT NOT NULL, country TEXT NOT NULL, signed_up_on TEXT NOT NULL);
CREATE TABLE invoices (id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts (id),
    issued_on TEXT NOT NULL, amount_cents INTEGER NOT NULL, paid_on TEXT);
CREATE TABLE events (account_id INTEGER NOT NULL REFERENCES accounts (id), at TEXT NOT NULL);
CREATE INDEX events_of_account ON events (account_id, at);
"""


def judged(ws, databases, *names):
    """Every query returns on every database what it should."""
    queries = []
    for name in names:
        text = ws.text("queries/%s.sql" % name)
        assert 0 < len(text) < 20000, "%s.sql: %d characters" % (name, len(text))
        queries.append(text)
    given = zlib.compress(json.dumps([SCHEMA, databases, queries]).encode())
    ran = ws.run(["python3", "-I", "-S", "-c", RUNNER], stdin=given, cwd="/", cpu=5)
    assert ran.code == 0, "the queries could not be run: %r" % (ran,)
    answers = ran.json()
    for at, rows in enumerate(databases):
        for place, name in enumerate(names):
            compare(name, *answers[at * len(names) + place], *EXPECTED[name](rows))


def compare(name, columns, got, wanted_columns, wanted):
    assert columns is not None, "%s.sql: %s" % (name, got)
    assert columns == wanted_columns.split(), "%s.sql: columns %r, expected %r" % (
        name,
        columns,
        wanted_columns.split(),
    )
    for at, row in enumerate(wanted):
        other = got[at] if at < len(got) else None
        assert json.dumps(other) == json.dumps(row), "%s.sql: row %d is %r, expected %r" % (name, at + 1, other, row)
    assert len(got) == len(wanted), "%s.sql: %d rows, expected %d" % (name, len(got), len(wanted))


def monthly_invoiced(rows):
    months = [month(issued) for _, _, issued, _, _ in rows["invoices"]]
    result, running, before = [], 0, None
    for each in range(min(months), max(months) + 1) if months else []:
        cents = sum(amount for _, _, issued, amount, _ in rows["invoices"] if month(issued) == each)
        running += cents
        result.append([month_text(each), cents, None if before is None else cents - before, running])
        before = cents
    return "month invoiced_cents change_cents running_cents", result


def cohort_retention(rows):
    active = {(account, month(at)) for account, at in rows["events"]}
    cohorts = {}
    for account, _, _, signed_up in rows["accounts"]:
        cohorts.setdefault(month(signed_up), []).append(account)
    result = []
    for cohort in sorted(cohorts):
        retained = [sum((account, cohort + n) in active for account in cohorts[cohort]) for n in (1, 2, 3)]
        result.append([month_text(cohort), len(cohorts[cohort]), *retained])
    return "cohort size month_1 month_2 month_3", result


def top_payers(rows):
    paid = {}
    for _, account, _, amount, paid_on in rows["invoices"]:
        if paid_on is not None:
            paid[account] = paid.get(account, 0) + amount
    known = {account: (country, name) for account, name, country, _ in rows["accounts"]}
    result = []
    for account in sorted(paid):
        country, name = known[account]
        rank = 1 + sum(known[other][0] == country and paid[other] > paid[account] for other in paid)
        if rank <= 3:
            result.append([country, rank, account, name, paid[account]])
    return "country rank account_id name paid_cents", sorted(result)


def sessions(rows):
    result = []
    for account, times in by_account(rows).items():
        stamps = sorted((datetime.datetime.fromisoformat(at) - datetime.datetime(1970, 1, 1)) for at in times)
        begun, longest, count = stamps[0], 0, 1
        for before, stamp in zip(stamps, stamps[1:]):  # noqa: B905 - Python 3.8
            if (stamp - before).total_seconds() > 1800:
                begun, count = stamp, count + 1
            longest = max(longest, int((stamp - begun).total_seconds()))
        result.append([account, count, len(stamps), longest])
    return "account_id sessions events longest_seconds", sorted(result)


def streaks(rows):
    result = []
    for account, times in by_account(rows).items():
        days = sorted({datetime.date.fromisoformat(at[:10]).toordinal() for at in times})
        best = max((_run(days, first), -first) for first in days)
        first, last = -best[1], -best[1] + best[0] - 1
        result.append(
            [
                account,
                best[0],
                datetime.date.fromordinal(first).isoformat(),
                datetime.date.fromordinal(last).isoformat(),
            ]
        )
    return "account_id days first_day last_day", sorted(result)


def _run(days, first):
    length = 1
    while first + length in days:
        length += 1
    return length


def days_to_pay(rows):
    country = {account: where for account, _, where, _ in rows["accounts"]}
    waits = {}
    for _, account, issued, _, paid in rows["invoices"]:
        if paid is not None:
            waits.setdefault(country[account], []).append(day(paid) - day(issued))
    result = []
    for each in waits:
        ordered, half = sorted(waits[each]), len(waits[each]) // 2
        median = ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
        result.append([each, len(ordered), float(median)])
    return "country paid_invoices median_days", sorted(result, key=lambda row: (-row[2], row[0]))


def aging(rows):
    latest = max((day(issued) for _, _, issued, _, _ in rows["invoices"]), default=None)
    result = [["0-30", 0, 0], ["31-60", 0, 0], ["61+", 0, 0]]
    for _, _, issued, amount, paid in rows["invoices"]:
        if paid is None:
            age = latest - day(issued)
            bucket = result[0 if age <= 30 else 1 if age <= 60 else 2]
            bucket[1] += 1
            bucket[2] += amount
    return "bucket invoices cents", result


def by_account(rows):
    times = {}
    for account, at in rows["events"]:
        times.setdefault(account, []).append(at)
    return times


def day(text):
    return datetime.date.fromisoformat(text).toordinal()


def month(text):
    return int(text[:4]) * 12 + int(text[5:7]) - 1


def month_text(number):
    return "%04d-%02d" % (number // 12, number % 12 + 1)


EXPECTED = {
    "monthly_invoiced": monthly_invoiced,
    "cohort_retention": cohort_retention,
    "top_payers": top_payers,
    "sessions": sessions,
    "streaks": streaks,
    "days_to_pay": days_to_pay,
    "aging": aging,
}


def fresh(ws):
    return [draw(ws.rng), draw(ws.rng, 60), draw(ws.rng, 9)]


@public
def test_aging_of_two_databases(ws):
    """aging.sql is right for billing.db and for another database"""
    judged(ws, [draw(ws.setup_rng()), draw(ws.rng)], "aging")


@public
def test_top_payers_of_two_databases(ws):
    """top_payers.sql is right for billing.db and for another database"""
    judged(ws, [draw(ws.setup_rng()), draw(ws.rng)], "top_payers")


def test_monthly_invoiced(ws):
    judged(ws, fresh(ws), "monthly_invoiced")


def test_cohort_retention(ws):
    judged(ws, fresh(ws), "cohort_retention")


def test_top_payers(ws):
    judged(ws, fresh(ws), "top_payers")


def test_sessions(ws):
    judged(ws, fresh(ws), "sessions")


def test_streaks(ws):
    judged(ws, fresh(ws), "streaks")


def test_days_to_pay(ws):
    judged(ws, fresh(ws), "days_to_pay")


def test_aging(ws):
    judged(ws, fresh(ws), "aging")


def test_money_without_rows(ws):
    """Nothing invoiced; then nothing paid; then everything."""
    none, unpaid, paid = draw(ws.rng), draw(ws.rng), draw(ws.rng)
    none["invoices"] = []
    unpaid["invoices"] = [[*invoice[:4], None] for invoice in unpaid["invoices"]]
    paid["invoices"] = [[*invoice[:4], invoice[4] or invoice[2]] for invoice in paid["invoices"]]
    judged(ws, [none, unpaid, paid], "monthly_invoiced", "top_payers", "days_to_pay", "aging")


def test_events_without_rows(ws):
    """Nobody did anything; then somebody did a single thing."""
    none, one = draw(ws.rng), draw(ws.rng)
    none["events"] = []
    one["events"] = one["events"][:1]
    judged(ws, [none, one], "cohort_retention", "sessions", "streaks")
