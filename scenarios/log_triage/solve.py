"""Looks at the logs, writes a parser for each format, and saves what it finds."""

PROGRAM = r"""
import collections, csv, datetime, gzip, json, os, re, sys

folder = sys.argv[1]
SERVICES = "orders", "inventory", "payments"
GATEWAY = re.compile(r'(\S+Z) \S+ "[^"]*" (\d{3}) \d+ms rid=(\w+) sid=(\S+) "[^"]*"')
PAYMENTS = re.compile(r'\[(\d\d/\w{3}/\d{4}:\S+ [+-]\d{4})\] ([A-Z]+) rid=(\w+)(?: code=(\w+))? msg="[^"]*"')
PAIR = re.compile(r'(\w+)=(?:"([^"]*)"|(\S*))')
AUTH = re.compile(r"(\S+ \S+),(\d{3}) INFO session (opened|closed) sid=(\S+)(?: user=(\S+))?")
UTC = datetime.timezone.utc
MS = datetime.timedelta(milliseconds=1)


def lines(name):
    for part in (name + ".1.gz", name + ".1", name):
        path = os.path.join(folder, part)
        if os.path.exists(path):
            with (gzip.open if part.endswith(".gz") else open)(path, "rb") as file:
                for line in file:
                    try:
                        yield line.decode().rstrip("\n")
                    except UnicodeDecodeError:
                        continue


def ms(moment):
    return (moment - datetime.datetime(1970, 1, 1, tzinfo=UTC)) // MS


def text(moment):
    at = datetime.datetime(1970, 1, 1) + moment * MS
    return at.isoformat(timespec="milliseconds") + "Z"


requests = []
for line in lines("gateway.log"):
    match = GATEWAY.fullmatch(line)
    if match:
        when = datetime.datetime.strptime(match[1], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        requests.append((ms(when), int(match[2]), match[3], match[4]))

errors = []  # (time, service, rid, code)
for line in lines("orders.jsonl"):
    try:
        entry = json.loads(line)
    except ValueError:
        continue
    if entry["level"] == "error":
        errors.append((entry["ts"], "orders", entry["rid"], entry["code"]))
for line in lines("inventory.log"):
    entry = {key: quoted or plain for key, quoted, plain in PAIR.findall(line)}
    if line.startswith("time=") and entry.get("level") == "error" and "rid" in entry:
        when = datetime.datetime.strptime(entry["time"] + " -0500", "%Y-%m-%d %H:%M:%S.%f %z")
        errors.append((ms(when), "inventory", entry["rid"], entry["code"]))
for line in lines("payments.log"):
    match = PAYMENTS.fullmatch(line)
    if match and match[2] == "ERROR":
        when = datetime.datetime.strptime(match[1], "%d/%b/%Y:%H:%M:%S.%f %z")
        errors.append((ms(when), "payments", match[3], match[4]))

counts, failures = collections.Counter(), collections.Counter()
for when, status, *_ in requests:
    counts[when // 60000] += 1
    failures[when // 60000] += status >= 500
runs, previous = [], None
for minute in sorted(counts):
    if counts[minute] >= 5 and failures[minute] * 10 >= counts[minute] * 3:
        if previous is not None and previous == minute - 1:
            runs[-1].append(minute)
        else:
            runs.append([minute])
        previous = minute
minutes = set(max(runs, key=len))
failed = sorted(request for request in requests if request[1] >= 500 and request[0] // 60000 in minutes)
start, end = failed[0][0], failed[-1][0]

cause = {}
for when, service, rid, code in sorted(errors):
    cause.setdefault(rid, (service, code))
causes = collections.Counter(cause[rid] for _, _, rid, _ in failed if rid in cause)
root = causes.most_common(1)[0][0]

opened = collections.defaultdict(list)
for line in lines("auth.log"):
    match = AUTH.fullmatch(line)
    if match:
        when = datetime.datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        opened[match[4]].append((ms(when) + int(match[2]), match[5]))
users = set()
for when, _, rid, sid in failed:
    if cause.get(rid) == root:
        before = [event for event in opened[sid] if event[0] <= when]
        users.add(max(before, key=lambda event: event[0])[1] if before else None)

with open(os.path.join(folder, "changes.csv"), newline="") as file:
    changes = [
        (ms(datetime.datetime.fromisoformat(row["time"])), row["id"])
        for row in csv.DictReader(file)
        if row["service"] == root[0]
    ]
before = [change for change in changes if change[0] <= start]
print(json.dumps({
    "requests": len(requests),
    "start": text(start),
    "end": text(end),
    "failed_requests": len(failed),
    "root_cause": {"service": root[0], "code": root[1]},
    "change": max(before)[1] if before else None,
    "affected_users": sorted(users - {None}),
    "errors": {name: sum(e[1] == name and start <= e[0] <= end for e in errors) for name in SERVICES},
}, indent=1))
"""


def solve():
    seen = yield {"name": "bash", "arguments": {"command": "cat FORMATS.md; ls -l logs; head -n 3 logs/*.log"}}
    assert "gateway.log" in seen
    yield {"name": "write_file", "arguments": {"path": "triage.py", "content": PROGRAM}}
    seen = yield {"name": "bash", "arguments": {"command": "python3 triage.py logs | tee answer.json"}}
    assert "root_cause" in seen
    yield {"name": "run_tests", "arguments": {}}
    yield {"name": "submit", "arguments": {}}
