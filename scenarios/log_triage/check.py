"""Works the answer out from what happened (not from the logs), for the given incident and for others."""

import collections
import io
import tarfile

KEYS = ["affected_users", "change", "end", "errors", "failed_requests", "requests", "root_cause", "start"]


def answer_for(story):
    requests = sorted(story["requests"], key=lambda request: request["time"])
    failed = [request for request in requests if request["status"] >= 500]
    start, end = window(requests, failed)
    failed = [request for request in failed if start <= request["time"] <= end]
    causes = {}
    for entry in sorted(story["entries"], key=lambda entry: -entry["time"]):
        if entry["level"] == "error":
            causes[entry["rid"]] = entry["service"], entry["code"]
    counted = collections.Counter(causes[request["rid"]] for request in failed if request["rid"] in causes)
    (root, _), (_, runner_up) = (counted.most_common(2) + [(None, 0)])[:2]
    assert counted[root] > runner_up, "the task is broken: no clear root cause"
    hit = [request for request in failed if causes.get(request["rid"]) == root]
    changes = [change for change in story["changes"] if change[1] == root[0] and change[0] <= start]
    errors = [e["service"] for e in story["entries"] if e["level"] == "error" and start <= e["time"] <= end]
    return {
        "requests": len(requests),
        "start": iso(start),
        "end": iso(end),
        "failed_requests": len(failed),
        "root_cause": {"service": root[0], "code": root[1]},
        "change": max(changes)[3] if changes else None,
        "affected_users": sorted({user_of(story, request) for request in hit} - {None}),
        "errors": {service: errors.count(service) for service in SERVICES},
    }


def window(requests, failed):
    """Return the times of the first and the last request that failed in the longest run of bad minutes."""
    all_in, failed_in = (collections.Counter(r["time"] // MINUTE for r in some) for some in (requests, failed))
    bad = {minute for minute, count in all_in.items() if count >= 5 and 10 * failed_in[minute] >= 3 * count}
    best, length = 0, 0
    for minute in sorted(bad):
        run = 0
        while minute + run in bad:
            run += 1
        if run > length:
            best, length = minute, run
    times = [request["time"] for request in failed if best <= request["time"] // MINUTE < best + length]
    return times[0], times[-1]


def user_of(story, request):
    for sid, opened, closed, user in story["sessions"]:
        if sid == request["sid"] and opened <= request["time"] < closed:
            return user
    return None


def given(ws):
    """Return answer.json, and the right answer."""
    got = ws.json("answer.json")
    assert isinstance(got, dict), "answer.json holds no object"
    return got, answer_for(incident(ws.setup_rng()))


PART = 24_000  # what one write may hold is bounded
UNPACK = """
import glob, io, shutil, tarfile
packed = b"".join(open(part, "rb").read() for part in sorted(glob.glob("elsewhere.parts/*")))
shutil.rmtree("elsewhere", ignore_errors=True)
tarfile.open(fileobj=io.BytesIO(packed)).extractall("elsewhere")
shutil.rmtree("elsewhere.parts")
"""


def put(ws, logs):
    """Write logs to the folder ``elsewhere``."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, data in logs.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    for at in range(0, packed.tell(), PART):
        ws.write("elsewhere.parts/%03d" % (at // PART), packed.getvalue()[at : at + PART])
    ran = ws.run(["python3", "-I", "-S", "-c", UNPACK])
    assert ran.code == 0, "the logs could not be put there: %r" % (ran,)


def found(ws, service=None):
    """Return what the program says of another incident, and the right answer."""
    assert ws.exists("triage.py"), "there is no triage.py"
    story = incident(ws.rng, service)
    put(ws, logs(ws.rng, story))
    ran = ws.run(["python3", "triage.py", "elsewhere"], cpu=3.0)
    assert ran.code == 0, "triage.py on other logs: %r" % (ran,)
    got = ran.json()
    assert isinstance(got, dict), "triage.py printed no object"
    return got, answer_for(story)


def same(pair, *keys):
    got, right = pair
    for key in keys:
        assert got.get(key) == right[key], "%s is %.300r, expected %.300r" % (key, got.get(key), right[key])


@public
def test_answer_is_complete(ws):
    """answer.json has all keys, and the right number of requests"""
    got, right = given(ws)
    assert sorted(got) == KEYS, "the keys are %s, expected %s" % (sorted(got), KEYS)
    assert got["requests"] == right["requests"], "%r is not the number of requests" % (got["requests"],)


@public
def test_program_gives_the_answer(ws):
    """triage.py prints what answer.json holds, and counts the requests of other logs as well"""
    same(given(ws), "requests")
    ran = ws.run(["python3", "triage.py", "logs"], cpu=3.0)
    assert ran.code == 0, "triage.py logs: %r" % (ran,)
    assert ran.json() == ws.json("answer.json"), "triage.py logs prints something else than answer.json holds"
    got, right = found(ws)
    assert got.get("requests") == right["requests"], "on other logs it counts %r requests" % (got.get("requests"),)


def test_start_and_end(ws):
    same(given(ws), "start", "end")


def test_failed_requests(ws):
    same(given(ws), "failed_requests")


def test_root_cause(ws):
    same(given(ws), "root_cause", "start")


def test_change(ws):
    same(given(ws), "change")


def test_affected_users(ws):
    same(given(ws), "affected_users")


def test_errors(ws):
    same(given(ws), "errors")


def test_start_and_end_elsewhere(ws):
    same(found(ws), "start", "end")


def test_failed_requests_elsewhere(ws):
    same(found(ws), "failed_requests")


def test_root_cause_elsewhere(ws):
    for service in ws.rng.sample(SERVICES, 2):
        same(found(ws, service), "root_cause")


def test_change_elsewhere(ws):
    same(found(ws), "change")


def test_affected_users_elsewhere(ws):
    same(found(ws), "affected_users")


def test_errors_elsewhere(ws):
    same(found(ws), "errors")
