"""Greps: the loudest error is the cause, all errors count, times are taken as they stand, and old logs are left out."""

PROGRAM = r"""
import collections, csv, json, re, sys

folder = sys.argv[1] + "/"
read = lambda name: open(folder + name, errors="replace").read().splitlines()
failed, total = [], 0
for line in read("gateway.log"):
    found = re.match(r'(\S+Z) .*" (\d+) \d+ms rid=(\w+) sid=(\S+)', line)
    if found:
        total += 1
        if found[2] >= "500":
            failed.append(found.groups())
codes = collections.Counter()
for name, service in (("orders.jsonl", "orders"), ("inventory.log", "inventory"), ("payments.log", "payments")):
    for line in read(name):
        code = re.search(r'code"?[=:] ?"?(\w+)', line)
        if code and re.search("error", line, re.I):
            codes[service, code[1]] += 1
users = dict(re.findall(r"opened sid=(\S+) user=(\S+)", "\n".join(read("auth.log"))))
root = codes.most_common(1)[0][0]
start, end = min(failed)[0], max(failed)[0]
changes = [row for row in csv.DictReader(open(folder + "changes.csv")) if row["time"] <= start]
print(json.dumps({
    "requests": total,
    "start": start,
    "end": end,
    "failed_requests": len(failed),
    "root_cause": {"service": root[0], "code": root[1]},
    "change": max(changes, key=lambda row: row["time"])["id"] if changes else None,
    "affected_users": sorted({users[each[3]] for each in failed if each[3] in users}),
    "errors": {name: sum(n for (s, _), n in codes.items() if s == name) for name in {s for s, _ in codes}},
}))
"""


def solve():
    yield {"name": "write_file", "arguments": {"path": "triage.py", "content": PROGRAM}}
    yield {"name": "bash", "arguments": {"command": "python3 triage.py logs > answer.json"}}
    yield {"name": "submit", "arguments": {}}
