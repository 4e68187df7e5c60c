"""Reads the documentation, tries a login, writes a client that signs in and repeats where need be, and posts."""

CLIENT = r'''
import datetime, decimal, json, os, sys, urllib.error, urllib.request

URL = os.environ["SERVICE_URL"]
JOB = json.load(open("job.json"))
token = None


def send(method, path, body=None, headers=()):
    """Return status and answer; anything answered with 503 is repeated as it is."""
    while True:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(URL + path, data, dict(headers), method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != 503:
                return error.code, json.load(error)


def ask(method, path, body=None, headers=()):
    global token
    while True:
        if token is None:
            token = send("POST", "/login", JOB["login"])[1]["token"]
        status, answer = send(method, path, body, {**dict(headers), "Authorization": "Bearer " + token})
        if status == 401:
            token = None
        elif status >= 400:
            sys.exit(f"{method} {path}: {status} {answer}")
        else:
            return answer


def newest(name):
    found, cursor = {}, ""
    while cursor is not None:
        page = ask("GET", f"/{name}?limit=25" + (f"&cursor={cursor}" if cursor else ""))
        for item in page["items"]:
            if item["version"] >= found.get(item["id"], item)["version"]:
                found[item["id"]] = item
        cursor = page["next"]
    return found


known = {}


def customer(name):
    if name not in known:
        known[name] = ask("GET", "/customers/" + name)
    return customer(known[name]["merged_into"]) if "merged_into" in known[name] else known[name]


first, last = (datetime.date.fromisoformat(JOB[name]) for name in ("first_day", "last_day"))
rows, owners = {}, {}
for order in newest("orders").values():
    day = datetime.datetime.fromisoformat(order["placed"]).astimezone(datetime.timezone.utc).date()
    if order["status"] == "paid" and first <= day <= last:
        who = customer(order["customer"])
        row = rows.setdefault(who["id"], {**who, "orders": 0, "net": decimal.Decimal("0.00")})
        row["orders"] += 1
        row["net"] += sum(line["quantity"] * decimal.Decimal(line["unit_price"]) for line in order["lines"])
        owners[order["id"]] = row
for refund in newest("refunds").values():
    if refund["status"] == "done" and refund["order"] in owners:
        owners[refund["order"]]["net"] -= decimal.Decimal(refund["amount"])
customers = sorted(rows.values(), key=lambda row: (-row["net"], row["id"]))
total = sum(row["net"] for row in customers)
report = {
    "quarter": JOB["quarter"],
    "orders": len(owners),
    "total": str(total),
    "customers": [{**row, "net": str(row["net"])} for row in customers],
}
json.dump(report, open("report.json", "w"), indent=1)
receipt = ask("POST", "/reports", report, {"Idempotency-Key": JOB["key"], "Content-Type": "application/json"})
json.dump(receipt, open("receipt.json", "w"))
print(len(customers), "customers, receipt", receipt["receipt"])
'''


def solve():
    seen = yield {"name": "bash", "arguments": {"command": "cat API.md job.json"}}
    assert "Idempotency-Key" in seen
    first = (
        "import json, os, urllib.request as r; l = json.load(open('job.json'))['login']; "
        "print(r.urlopen(os.environ['SERVICE_URL'] + '/login', json.dumps(l).encode()).read().decode())"
    )
    seen = yield {"name": "bash", "arguments": {"command": f'python3 -c "{first}"'}}
    assert "token" in seen
    yield {"name": "write_file", "arguments": {"path": "client.py", "content": CLIENT}}
    seen = yield {"name": "bash", "arguments": {"command": "python3 client.py && cat receipt.json"}}
    assert "receipt" in seen
    yield {"name": "run_tests", "arguments": {}}
    yield {"name": "submit", "arguments": {}}
