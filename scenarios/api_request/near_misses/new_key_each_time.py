"""Nearly there: but an empty page is taken for the end, the last of several versions for the true one, one step of
merging for all, the local day for that of UTC; and each attempt to post has a key of its own."""

CLIENT = r"""
import decimal, json, os, urllib.error, urllib.request

job = json.load(open("job.json"))
token = ""


def ask(path, body=None, key=""):
    global token
    tries = 0
    while True:
        tries += 1
        headers = {"Authorization": "Bearer " + token}
        if key:
            headers["Idempotency-Key"] = key if tries == 1 else "%s-%d" % (key, tries)
        data = json.dumps(body).encode() if body else None
        try:
            with urllib.request.urlopen(urllib.request.Request(os.environ["SERVICE_URL"] + path, data, headers)) as got:
                return json.load(got)
        except urllib.error.HTTPError as error:
            if error.code == 401:
                token = ask("/login", job["login"])["token"]


def everything(name):
    found, cursor = {}, ""
    while True:
        page = ask("/%s?limit=25%s" % (name, cursor))
        for item in page["items"]:
            found[item["id"]] = item
        if not page["items"] or not page["next"]:
            return found.values()
        cursor = "&cursor=" + page["next"]


rows, owners, known = {}, {}, {}
for order in everything("orders"):
    if order["status"] == "paid" and job["first_day"] <= order["placed"][:10] <= job["last_day"]:
        who = order["customer"]
        if who not in known:
            known[who] = ask("/customers/" + who)
            if "merged_into" in known[who]:
                known[who] = ask("/customers/" + known[who]["merged_into"])
        who = known[who]
        blank = {"id": who["id"], "name": who.get("name"), "orders": 0, "net": decimal.Decimal()}
        row = rows.setdefault(who["id"], blank)
        row["orders"] += 1
        row["net"] += sum(line["quantity"] * decimal.Decimal(line["unit_price"]) for line in order["lines"])
        owners[order["id"]] = row
for refund in everything("refunds"):
    if refund["status"] == "done" and refund["order"] in owners:
        owners[refund["order"]]["net"] -= decimal.Decimal(refund["amount"])
customers = sorted(rows.values(), key=lambda row: (-row["net"], row["id"]))
total = str(sum(row["net"] for row in customers))
customers = [dict(row, net=str(row["net"])) for row in customers]
report = {"quarter": job["quarter"], "orders": len(owners), "total": total, "customers": customers}
json.dump(report, open("report.json", "w"))
json.dump(ask("/reports", report, job["key"]), open("receipt.json", "w"))
"""


def solve():
    yield {"name": "write_file", "arguments": {"path": "client.py", "content": CLIENT}}
    yield {"name": "bash", "arguments": {"command": "python3 client.py"}}
    yield {"name": "submit", "arguments": {}}
