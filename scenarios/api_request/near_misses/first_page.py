"""Reads the first page of each list, as if there were no other, and takes what it finds there as it is."""

CLIENT = r"""
import json, os, time, urllib.request

job = json.load(open("job.json"))


def ask(path, body=None, **headers):
    for _ in range(3):
        try:
            data = json.dumps(body).encode() if body else None
            request = urllib.request.Request(os.environ["SERVICE_URL"] + path, data, headers)
            return json.load(urllib.request.urlopen(request))
        except OSError:
            pass


token = "Bearer " + ask("/login", job["login"])["token"]
rows, owners = {}, {}
for order in ask("/orders?limit=25", Authorization=token)["items"]:
    if order["status"] == "paid" and job["first_day"] <= order["placed"][:10] <= job["last_day"]:
        token = "Bearer " + ask("/login", job["login"])["token"]
        who = ask("/customers/" + order["customer"], Authorization=token)
        row = rows.setdefault(who["id"], {"id": who["id"], "name": who.get("name"), "orders": 0, "net": 0})
        row["orders"] += 1
        row["net"] += sum(line["quantity"] * float(line["unit_price"]) for line in order["lines"])
        owners[order["id"]] = row
for refund in ask("/refunds?limit=25", Authorization=token)["items"]:
    if refund["status"] == "done" and refund["order"] in owners:
        owners[refund["order"]]["net"] -= float(refund["amount"])
customers = sorted(rows.values(), key=lambda row: -row["net"])
total = sum(row["net"] for row in customers)
for row in customers:
    row["net"] = "%.2f" % row["net"]
report = {"quarter": job["quarter"], "orders": len(owners), "total": "%.2f" % total, "customers": customers}
json.dump(report, open("report.json", "w"))
receipt = ask("/reports", report, Authorization=token, **{"Idempotency-Key": job["key"]})
json.dump(receipt, open("receipt.json", "w"))
"""


def solve():
    yield {"name": "write_file", "arguments": {"path": "client.py", "content": CLIENT}}
    yield {"name": "bash", "arguments": {"command": "python3 client.py"}}
    yield {"name": "submit", "arguments": {}}
