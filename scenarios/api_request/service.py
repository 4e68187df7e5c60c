"""The order service. What it does depends on how many requests it has had, and on nothing else."""

import hashlib
import json
import random

DATA = data(random.Random("api_request:%d" % SEED))
USES, BUSY_EVERY, MOST_KEYS = 10, 7, 20


def secret(*parts):
    return hashlib.sha256(":".join(["harbour", str(SEED), *map(str, parts)]).encode()).hexdigest()


CURSORS = {name: {secret(name, at)[:12]: at for at in range(1, len(DATA[name]))} for name in ("orders", "refunds")}


def handle(request, state):
    if not state:
        state.update(
            requests=0, logins=0, tokens={}, posts=0, reports={}, served={"orders": [], "refunds": []}, asked=[]
        )
    state["requests"] += 1
    busy = state["requests"] % BUSY_EVERY == 0
    if request.path == "/login":
        return BUSY if busy else login(request, state)
    problem = authorise(request, state)
    if problem:
        return BUSY if busy else problem
    return BUSY if busy else route(request, state)


BUSY = 503, {"error": "busy, try again"}


def login(request, state):
    given = request.json
    if request.method != "POST":
        return 405, {"error": "POST a user and a password"}
    if given != {"user": DATA["user"], "password": DATA["password"]}:
        return 401, {"error": "wrong user or password"}
    state["logins"] += 1
    token = secret("token", state["logins"])[:32]
    state["tokens"] = dict(list(state["tokens"].items())[-50:])
    state["tokens"][token] = USES
    return 200, {"token": token, "requests": USES}


def authorise(request, state):
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or token not in state["tokens"]:
        return 401, {"error": "a bearer token is needed; POST /login"}
    if state["tokens"][token] < 1:
        return 401, {"error": "the token has been used up; sign in again"}
    state["tokens"][token] -= 1
    return None


def route(request, state):
    parts = request.path.strip("/").split("/")
    if request.method == "GET" and parts in (["orders"], ["refunds"]):
        return page(parts[0], request.query, state)
    if request.method == "GET" and parts[0] == "customers" and len(parts) == 2:
        return customer(parts[1], state)
    if parts[0] == "reports":
        return reports(request, parts[1:], state)
    return 404, {"error": "no such thing: %s %s" % (request.method, request.path[:100])}


def page(name, query, state):
    limit, cursor = query.get("limit", "10"), query.get("cursor")
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:4]) <= 25):
        return 400, {"error": "limit must be 1 to 25"}
    if cursor is not None and cursor not in CURSORS[name]:
        return 400, {"error": "no cursor of this list"}
    slots = DATA[name]
    start = CURSORS[name][cursor] if cursor is not None else 0
    end = min(start + int(limit[:4]), len(slots))
    if [start, end] not in state["served"][name] and len(state["served"][name]) < 500:
        state["served"][name].append([start, end])
    items = [item for item in slots[start:end] if item is not None]
    return 200, {"items": items, "next": secret(name, end)[:12] if end < len(slots) else None}


def customer(name, state):
    if name not in DATA["customers"]:
        return 404, {"error": "no such customer"}
    if name not in state["asked"]:
        state["asked"].append(name)
    return 200, DATA["customers"][name]


def reports(request, rest, state):
    kept = state["reports"]
    if request.method == "GET" and not rest:
        return 200, {"keys": sorted(kept)}
    if request.method == "DELETE" and len(rest) == 1 and rest[0] in kept:
        del kept[rest[0]]
        return 200, {"deleted": rest[0]}
    if request.method != "POST" or rest:
        return 404, {"error": "no such report"}
    return store(request, kept, state)


def store(request, kept, state):
    key = request.headers.get("idempotency-key", "")
    if not 1 <= len(key) <= 64:
        return 400, {"error": "the header Idempotency-Key is needed, of at most 64 characters"}
    if len(request.body) > 1 << 16:
        return 413, {"error": "a report has at most 64 KiB"}
    if not isinstance(request.json, dict):
        return 400, {"error": "a report is a JSON object"}
    if key not in kept and len(kept) >= MOST_KEYS:
        return 409, {"error": "too many reports; delete some"}
    status = 200 if key in kept else 201
    text = json.dumps(request.json, sort_keys=True)
    kept[key] = {"text": text, "receipt": secret("receipt", key, text)[:20]}
    state["posts"] += 1
    if state["posts"] == 1:
        return BUSY  # stored all the same: only its answer is lost
    return status, {"receipt": kept[key]["receipt"], "key": key}
