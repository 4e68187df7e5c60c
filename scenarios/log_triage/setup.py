"""Draws incidents: what happened (``incident``), and the logs it left (``logs``). Times are ms since 1970."""

import datetime
import gzip
import json

MINUTE = 60_000
EPOCH = datetime.datetime(1970, 1, 1)
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
SERVICES = ["orders", "inventory", "payments"]
CODES = {
    "orders": ["DEADLOCK", "BAD_MIGRATION", "OUT_OF_IDS", "QUEUE_FULL"],
    "inventory": ["LOCK_TIMEOUT", "NO_REPLICA", "SHARD_DOWN", "DISK_FULL"],
    "payments": ["POOL_EXHAUSTED", "CERT_EXPIRED", "BANK_TIMEOUT", "KEY_REVOKED"],
}
RECOVERED = {"orders": "RETRIED", "inventory": "CACHE_MISS", "payments": "SLOW_BANK"}
USERS = [
    *("ann", "bea", "cem", "dag", "eva", "fay", "gil", "hal", "ida", "jon", "kim", "lea", "max", "nia", "oli"),
    *("pam", "quin", "rob", "sue", "tim", "uma", "vic", "wes", "xia", "yan", "zoe"),
]
CLIENTS = ["curl/8.5.0", "Mozilla/5.0 (X11; Linux)", "shop-app 503 build", "bot rid=00000000 sid=s-0000", "app/2.1"]


def incident(rng, service=None):
    """Return what happened: requests, log entries, sessions and changes."""
    service = service or rng.choice(SERVICES)
    root = service, rng.choice(CODES[service])
    decoy = rng.choice([(other, rng.choice(CODES[other])) for other in SERVICES if other != service])
    begin = datetime.datetime(2024, rng.randint(1, 12), rng.randint(1, 28), rng.choice([0, 9, 21, 22, 23]), 35)
    story = {"begin": int((begin - EPOCH).total_seconds()) * 1000, "requests": [], "entries": [], "rids": set()}
    few = rng.randint(7, 10)
    story["usual"] = few, few + rng.randint(4, 9)  # requests in a minute
    story["sessions"] = draw_sessions(rng, story["begin"])
    first, length = rng.randint(26, 32), rng.randint(8, 13)
    bad = dict.fromkeys(range(first, first + length), root)
    bad.update(dict.fromkeys(range(6, 6 + rng.randint(3, 6)), decoy))
    bad.update({minute: rng.choice([root, decoy]) for minute in (first - 3, first - 2, first + length + 1)})
    for minute in range(60):
        quiet, nearly = minute in (3, first - 1), minute == first + length
        draw_minute(rng, story, minute, bad.get(minute), quiet, nearly)
    story["changes"] = draw_changes(rng, story["begin"] + first * MINUTE, service)
    return story


def draw_sessions(rng, begin):
    """Return ``(sid, opened, closed, user)``; some are used again by somebody else."""
    made = []
    for number in rng.sample(range(1 << 16), 26):
        one, other = rng.sample(USERS, 2)
        opened = begin - rng.randint(MINUTE, 180 * MINUTE)
        until = begin + rng.randint(15 * MINUTE, 50 * MINUTE) if rng.random() < 0.6 else begin + 90 * MINUTE
        made.append((f"s-{number:04x}", opened, until, one))
        if until < begin + 60 * MINUTE:
            made.append((f"s-{number:04x}", until + rng.randint(1000, MINUTE), begin + 90 * MINUTE, other))
    return made


def draw_minute(rng, story, minute, cause, quiet, nearly):
    count = rng.randint(3, 4) if quiet else rng.randint(*story["usual"])
    failing = 0
    if cause:
        failing = -(-count * rng.randint(40, 75) // 100)
    elif quiet:
        failing = 2  # a large part, but of too few
    elif nearly:
        failing = (3 * count - 1) // 10  # of enough, but one less than makes it bad
    elif rng.random() < 0.3:
        failing = 1
    for at in range(count):
        moment = story["begin"] + minute * MINUTE + rng.randrange(MINUTE)
        if at >= failing:
            succeed(rng, story, moment)
            continue
        other = rng.choice(SERVICES)
        why = cause if cause and rng.random() < 0.8 else rng.choice([None, (other, rng.choice(CODES[other]))])
        fail(rng, story, moment, why)


def new_request(rng, story, moment, kind, status):
    rid = f"{rng.getrandbits(32):08x}"
    while rid in story["rids"]:
        rid = f"{rng.getrandbits(32):08x}"
    story["rids"].add(rid)
    there = [sid for sid, opened, closed, _ in story["sessions"] if opened <= moment < closed]
    sid = rng.choice(there) if there and rng.random() < 0.85 else "-"
    request = {"rid": rid, "time": moment, "sid": sid, "kind": kind, "status": status, "took": rng.randint(400, 2900)}
    story["requests"].append(request)
    return rid


def note(story, moment, service, level, rid, code=None):
    story["entries"].append({"time": moment, "service": service, "level": level, "rid": rid, "code": code})


def succeed(rng, story, moment):
    kind = rng.choice(["GET /items", "GET /orders", "POST /orders"])
    rid = new_request(rng, story, moment, kind, rng.choice([200, 200, 200, 201, 302, 404, 429, 499]))
    for service in {"GET /items": ["inventory"], "GET /orders": ["orders"], "POST /orders": SERVICES}[kind]:
        moment += rng.randint(1, 90)
        note(story, moment, service, "info", rid)
        if rng.random() < 0.22:
            note(story, moment + rng.randint(0, 9), service, rng.choice(["warn", "error"]), rid, RECOVERED[service])


def fail(rng, story, moment, cause):
    service = cause[0] if cause else "orders"
    kind = "GET /items" if service == "inventory" and rng.random() < 0.4 else "POST /orders"
    rid = new_request(rng, story, moment, kind, rng.choice([500, 502, 503, 504]))
    moment += rng.randint(1, 60)
    if kind == "POST /orders":
        note(story, moment, "orders", "info", rid)
    if cause is None:
        note(story, moment + 5, "orders", "warn", rid, "SLOW")
        return
    moment += rng.randint(10, 120)
    note(story, moment, service, "error", rid, cause[1])
    if service != "orders" and kind == "POST /orders":  # who called it complains as well, and more often
        for _ in range(rng.randint(1, 3)):
            moment += rng.randint(3, 80)
            note(story, moment, "orders", "error", rid, "UPSTREAM_FAILED")
    elif service == "orders" and rng.random() < 0.6:
        note(story, moment + rng.randint(3, 80), "payments", "error", rid, "CANCELLED")


def draw_changes(rng, start, service):
    """Return ``(time, service, kind, id)``: one of the service shortly before the start, and others about it."""
    others = [name for name in [*SERVICES, "gateway", "auth"] if name != service]
    times = [(start - rng.randint(20, 150) * 1000, service), (start + rng.randint(70, 600) * 1000, service)]
    times += [(start - rng.randint(1, 19) * 1000, rng.choice(others)) for _ in range(2)]
    times += [(start - rng.randint(3, 40) * MINUTE, name) for name in [service, *others]]
    times += [(start + rng.randint(2, 20) * MINUTE, name) for name in others]
    numbers = rng.sample(range(1000, 9999), len(times))
    made = [
        (moment - moment % 1000, name, rng.choice(["deploy", "config", "rollback"]), f"chg-{numbers[at]}")
        for at, (moment, name) in enumerate(times)
    ]
    rng.shuffle(made)
    return made


# ── what it left in the logs ──────────────────────────────────────────────────────────────


def local(moment, minutes=0):
    return EPOCH + datetime.timedelta(milliseconds=moment, minutes=minutes)


def iso(moment):
    return local(moment).isoformat(timespec="milliseconds") + "Z"


def offset(minutes, colon=""):
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{colon}{abs(minutes) % 60:02}"


def logs(rng, story):
    """Return ``{name: bytes}``."""
    entries = sorted(story["entries"], key=lambda entry: entry["time"] + rng.randint(0, 300))
    of = {service: [entry for entry in entries if entry["service"] == service] for service in SERVICES}
    gateway = [gateway_line(rng, r) for r in sorted(story["requests"], key=lambda r: r["time"] + r["took"])]
    inventory = [inventory_line(rng, story, entry) for entry in of["inventory"]]
    ahead = rng.choice([-180, 120, 330, 540])
    payments = [line for entry in of["payments"] for line in payments_lines(rng, story, entry, ahead)]
    gateway, orders = damaged(rng, gateway, 24), damaged(rng, [orders_line(rng, story, e) for e in of["orders"]], 30)
    inventory, payments = damaged(rng, inventory, 15), damaged(rng, payments, 17)
    older, half = len(gateway) * 45 // 100, len(inventory) // 2
    return {
        "gateway.log.1.gz": gzip.compress(joined(gateway[:older]), mtime=0),
        "gateway.log": joined(gateway[older:]),
        "orders.jsonl": joined(orders),
        "inventory.log.1": joined(inventory[:half]),
        "inventory.log": joined(inventory[half:]),
        "payments.log": joined(payments),
        "auth.log": joined(auth_lines(story)),
        "changes.csv": joined(["time,service,kind,id", *(change_line(rng, change) for change in story["changes"])]),
    }


def joined(lines):
    return b"".join((line if isinstance(line, bytes) else line.encode()) + b"\n" for line in lines)


def damaged(rng, lines, keep):
    """Put lines in between that are cut off after ``keep`` characters, and garbage."""
    lines = list(lines)
    for _ in range(6):
        at = rng.randrange(len(lines))
        if not lines[at].startswith(" "):
            lines.insert(at, lines[at][:keep])
    whole = [at for at in range(1, len(lines)) if not lines[at].startswith(" ")]
    for at in sorted(rng.sample(whole, 2), reverse=True):
        lines.insert(at, b"\xff\xfe\x00" + bytes(rng.randrange(128, 256) for _ in range(20)))
    return lines


def gateway_line(rng, request):
    path = request["kind"] + (f"/{rng.randint(1, 9999)}" if request["kind"] == "GET /orders" else "")
    start = f'{iso(request["time"])} 10.1.{rng.randint(0, 9)}.{rng.randint(1, 250)} "{path} HTTP/1.1"'
    rest = f"{request['status']} {request['took']}ms rid={request['rid']} sid={request['sid']}"
    return f'{start} {rest} "{rng.choice(CLIENTS)}"'


def message(rng, story, entry):
    other = rng.choice(story["requests"])["rid"]
    return rng.choice(
        ["done", f"shelf {rng.randint(1, 99)}", f"after rid={other} code=NONE", "peer says level=error ERROR"]
    )


def orders_line(rng, story, entry):
    fields = {"ts": entry["time"], "level": entry["level"], "rid": entry["rid"]}
    if entry["code"]:
        fields["code"] = entry["code"]
    return json.dumps({**fields, "msg": message(rng, story, entry)})


def inventory_line(rng, story, entry):
    fields = [f"level={entry['level']}", f"rid={entry['rid']}", f'msg="{message(rng, story, entry)}"']
    if entry["code"]:
        fields.append(f"code={entry['code']}")
    rng.shuffle(fields)
    return f'time="{local(entry["time"], -300).isoformat(" ", "milliseconds")}" {" ".join(fields)}'


def payments_lines(rng, story, entry, ahead):
    moment = local(entry["time"], ahead)
    day = f"{moment.day:02}/{MONTHS[moment.month - 1]}/{moment.year}"
    clock = f"{moment.time().isoformat('milliseconds')} {offset(ahead)}"
    code = f" code={entry['code']}" if entry["code"] else ""
    line = f'[{day}:{clock}] {entry["level"].upper()} rid={entry["rid"]}{code} msg="{message(rng, story, entry)}"'
    if entry["level"] != "error":
        return [line]
    return [line, "    at pool.acquire (pool.c:88)", *(["    " + line] if rng.random() < 0.4 else [])]


def auth_lines(story):
    events = []
    for sid, opened, closed, user in story["sessions"]:
        events.append((opened, f"INFO session opened sid={sid} user={user}"))
        if closed < story["begin"] + 60 * MINUTE:
            events.append((closed, f"INFO session closed sid={sid}"))
    return [
        f"{local(moment).isoformat(' ', 'milliseconds').replace('.', ',')} {text}" for moment, text in sorted(events)
    ]


def change_line(rng, change):
    moment, *rest = change
    minutes = rng.choice([0, 60, 120, -240, 330])
    return ",".join([local(moment, minutes).isoformat(timespec="seconds") + offset(minutes, ":"), *rest])


def files(rng):
    story = incident(rng)
    return {f"logs/{name}": data for name, data in logs(rng, story).items()}
