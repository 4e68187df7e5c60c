"""Looks at what ``main`` holds and how it came about.

The hash of the bad commit is worked out here from the drawn history. Commits on top of it are read as
raw objects and their hashes computed, so that whatever is configured in the repository can't
tell another story. That the function is right again is a part of every test but those of the answer.
"""

import itertools
import json

REPO = "/workspace/repo"
CALLS = """
import importlib, json, os, sys
sys.path.insert(0, "/tmp/main")
calls = json.load(sys.stdin)
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
answers = []
for module, function, args, kwargs in calls:
    if module == "due":
        args = [tuple(one) if isinstance(one, list) else one for one in args]
    try:
        answers.append(getattr(importlib.import_module("settle." + module), function)(*args, **kwargs))
    except Exception as error:
        answers.append("raised " + type(error).__name__)
out.write(json.dumps(answers))
out.flush()
"""
CLONE = "rm -rf /tmp/main && git clone -q -b main %s /tmp/main && cd /tmp/main && " % REPO


# ── what the library does when it is right ───────────────────────────────────────────────


def allocate_right(total, weights):
    rest, parts = abs(total), []
    for weight in weights:
        parts.append(abs(total) * weight // sum(weights))
        rest -= parts[-1]
    takers = [at for at, weight in enumerate(weights) if weight > 0]
    for at in takers[:rest]:
        parts[at] += 1
    return [-part for part in parts] if total < 0 else parts


def month_length(year, month):
    leap = year % 400 == 0 or (year % 4 == 0 and year % 100 != 0)
    return (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def later(date, months):
    years, month = divmod(date[1] - 1 + months, 12)
    year = date[0] + years
    return [year, month + 1, min(date[2], month_length(year, month + 1))]


def instalments_right(first, count, every=1):
    return [later(first, number * every) for number in range(count)]


def table_right(rows, numeric=(), heading=False):
    widths = [max(map(len, column)) for column in itertools.zip_longest(*rows, fillvalue="")]
    lines = []
    for row in rows:
        line = ""
        for at, cell in enumerate(row):
            line += (cell.rjust(widths[at]) if at in numeric else cell.ljust(widths[at])) + "  "
        lines.append(line.rstrip())
    if heading and lines:
        lines[1:1] = ["-" * max(len(line) for line in lines)]
    return "\n".join(lines)


# ── calls with what is right of them: (module, function, args, kwargs), expected ─────────


def of_allocate(rng, later_too):
    cases = []
    for _ in range(12):
        weights = [rng.choice([0, 0, 1, rng.randint(1, 9)]) for _ in range(rng.randint(2, 7))] + [rng.randint(1, 4)]
        total = rng.randint(1, 9999) * (rng.choice([1, -1]) if later_too else 1)
        cases.append((("money", "allocate", [total, weights], {}), allocate_right(total, weights)))
    if later_too:
        cases.append((("money", "allocate", [rng.randint(1, 99), [0, 0]], {}), "raised ValueError"))
    return cases


def of_instalments(rng, later_too):
    cases = []
    for day in (28, 29, 30, 31, 31, 31, rng.randint(1, 27)):
        first = [rng.randint(1999, 2030), rng.choice([1, 3, 5, 7, 8, 10, 12]), day]
        count = rng.randint(1, 30)
        more = {"every": rng.randint(2, 7)} if later_too else {}
        cases.append((("due", "instalments", [first, count], more), instalments_right(first, count, **more)))
    if later_too:
        cases.append((("due", "instalments", [[2020, 1, 31], 0], {}), "raised ValueError"))
    return cases


def of_table(rng, later_too):
    cases = []
    for _ in range(10):
        rows = [["x" * rng.randint(0, 9) for _ in range(rng.randint(0, 5))] for _ in range(rng.randint(1, 6))]
        more = {"numeric": rng.sample(range(5), 2), "heading": rng.random() < 0.7} if later_too else {}
        rows.append([str(rng.randint(1, 99)), "total"])
        rng.shuffle(rows)
        cases.append((("table", "table", [rows], more), table_right(rows, **more)))
    return cases


def of_the_rest(rng):
    cents, date = rng.randint(1000000, 99999999), [rng.randint(1990, 2030), rng.randint(1, 12), rng.randint(1, 28)]
    text = "%d.%02d" % (cents // 100, cents % 100)
    months, people = rng.randint(1, 50), rng.sample(["Ann", "Bob", "Cleo", "Dan-Ole Berg", "Eve"], 4)
    end = later(date, months)
    return [
        (("money", "parse_amount", [" " + text], {}), cents),
        (("money", "format_amount", [-cents], {}), "-" + text),
        (("money", "format_amount", [cents, "'"], {}), "{:,}".format(cents // 100).replace(",", "'") + text[-3:]),
        (("due", "add_months", [date, months], {}), end),
        (("due", "months_between", [date, end], {}), months),
        (("due", "is_overdue", [date, end, months], {}), False),
        (("due", "is_overdue", [date, end, months - 1], {}), True),
        (("due", "quarter", [date], {}), -(-date[1] // 3)),
        (("table", "shorten", ["abcdef", 4], {}), "abc."),
        (("table", "pad", ["ab", 4], {"left": True}), "  ab"),
        (("people", "listed", [people], {}), ", ".join(people[:3]) + " and " + people[3]),
        (("people", "initials", ["dan-Ole berg"], {}), "DOB"),
        (("people", "unpaid", [people, [[people[0], 5], [people[1], 0]]], {}), people[1:]),
    ]


OF = {"allocate": of_allocate, "instalments": of_instalments, "table": of_table}


# ── looking at the repository ────────────────────────────────────────────────────────────


def past(ws):
    return history(ws.setup_rng())


def expect(ws, cases):
    """Call what main holds."""
    ran = ws.run(
        CLONE + 'exec python3 -I -S -c "$CALLS"', stdin=json.dumps([call for call, _ in cases]), env={"CALLS": CALLS}
    )
    assert ran.code == 0, "main could not be tried: %s" % (ran.stderr.strip().splitlines() or [repr(ran)])[-1][:300]
    answers = ran.json()
    assert isinstance(answers, list), "main could not be tried"
    assert len(answers) == len(cases), "main could not be tried"
    for at, (call, right) in enumerate(cases):
        told = "settle.%s.%s%r %r" % (call[0], call[1], tuple(call[2]), call[3])
        assert answers[at] == right, "%s gives %.200r, not %.200r" % (told, answers[at], right)


def repaired(ws, before):
    """The function is right again, for what it did when it broke."""
    expect(ws, OF[before["variant"]](ws.rng, False))


def git(ws, command):
    ran = ws.run("cd %s && export GIT_NO_REPLACE_OBJECTS=1 && %s" % (REPO, command))
    assert ran.code == 0, "%s: %s" % (command.split("|")[0], ran.stderr.strip()[:300])
    return ran.stdout


def answer(ws, key):
    given = ws.json("answer.json")
    assert isinstance(given, dict), "answer.json holds no object"
    return given.get(key)


# ── tests ────────────────────────────────────────────────────────────────────────────────


@public
def test_reported_case(ws):
    """What BUG.md reports is right again, with what is committed on main"""
    repaired(ws, past(ws))


@public
def test_committed_and_clean(ws):
    """main is checked out with new commits, nothing is left uncommitted, the reported case is right"""
    before = past(ws)
    where = git(ws, "git symbolic-ref HEAD; git rev-parse refs/heads/main; git status --porcelain").split("\n")
    assert where[0] == "refs/heads/main", "HEAD is at %s" % where[0]
    assert where[1] != before["commits"][-1]["hash"], "there is no new commit on main"
    assert not where[2], "not committed: %s" % where[2]
    assert not ws.exists("repo/.git/BISECT_LOG"), "a bisection is under way"
    repaired(ws, before)


def test_bad_commit_is_named(ws):
    assert answer(ws, "commit") == past(ws)["bad"], "another commit is to blame"


def test_release_is_named(ws):
    assert answer(ws, "commit") == past(ws)["bad"], "the release is of another commit"
    assert answer(ws, "release") == past(ws)["release"], "another release was the first"


def test_repaired_for_all_inputs(ws):
    before = past(ws)
    for _ in range(4):
        expect(ws, OF[before["variant"]](ws.rng, False))


def test_later_parameters_are_kept(ws):
    expect(ws, OF[past(ws)["variant"]](ws.rng, True))


def test_other_functions_are_kept(ws):
    cases = of_the_rest(ws.rng)
    for name in VARIANTS:
        cases += OF[name](ws.rng, True)
    expect(ws, cases)


def test_history_is_kept(ws):
    before = past(ws)
    tip = before["commits"][-1]["hash"]
    new = objects(git(ws, "git rev-list -n 200 main | git cat-file --batch"))
    waiting, seen = [git(ws, "git rev-parse refs/heads/main").strip()], set()
    assert waiting != [tip], "there is no new commit on main"
    while waiting:
        one = waiting.pop()
        if one == tip or one in seen:
            seen.add(one)
            continue
        assert one in new, "main is not on top of what it was"
        seen.add(one)
        waiting += [line[7:] for line in new[one].split("\n\n")[0].split("\n") if line.startswith("parent ")]
    assert tip in seen, "main is not on top of what it was"
    tags = git(ws, "git for-each-ref --format='%(refname) %(objectname)' refs/tags").split("\n")
    wanted = ["refs/tags/%s %s" % (commit["tag"], commit["hash"]) for commit in before["commits"] if commit["tag"]]
    assert sorted(filter(None, tags)) == sorted(wanted), "the tags are not what they were"
    repaired(ws, before)


def objects(batch):
    """Return commits from ``git cat-file --batch``, those whose content has their hash."""
    data, found = batch.encode(), {}
    while data:
        head, _, data = data.partition(b"\n")
        words = head.split()
        if len(words) != 3 or not words[2].isdigit():
            break
        content, data = data[: int(words[2])], data[int(words[2]) + 1 :]
        found[object_hash("commit", content)] = content.decode()
    return found


def test_only_what_is_asked_for_changed(ws):
    before = past(ws)
    tip = before["commits"][-1]["hash"]
    names = [name for name in git(ws, "git diff --name-only %s main" % tip).split("\n") if name]
    mine = MODULES[before["variant"]]
    assert mine in names, "%s is as it was" % mine
    other = [name for name in names if name not in (mine, "CHANGELOG.md") and not name.startswith("tests/")]
    assert not other, "changed as well: %s" % ", ".join(other[:5])
    functions = [line for line in git(ws, "git show main:%s" % mine).split("\n") if line.startswith("def ")]
    known = [line for line in before["commits"][-1]["tree"][mine].split("\n") if line.startswith("def ")]
    assert functions == known, "the file has other functions than before"
    repaired(ws, before)


def test_a_test_guards_it(ws):
    before = past(ws)
    repaired(ws, before)
    path, tree = MODULES[before["variant"]], before["commits"][-1]["tree"]
    ws.write("guard/today.py", tree[path])
    ws.write("guard/right.py", right_source(before))
    wanted = "python3 -m unittest >&2; echo $?; "
    steps = "".join("cp /workspace/guard/%s.py %s; %s" % (name, path, wanted) for name in ("today", "right"))
    codes = ws.run(CLONE + "{ " + wanted + steps + "}").stdout.split()
    assert len(codes) == 3, "the tests could not be run"
    assert codes[0] == "0", "the repository's tests fail"
    assert codes[1] != "0", "no test fails with the function as it was"
    assert codes[2] == "0", "a test fails with the function repaired in another way"


def right_source(before):
    """Return the file of the function with a loop that is right, and that nobody else will write like this."""
    variant = before["variant"]
    text = before["commits"][-1]["tree"][MODULES[variant]]
    bad, good = LOOPS[variant][2], LOOPS[variant][1]
    if variant == "instalments":
        bad = bad.replace(*EVERY[True])
        good = "    dates = [add_months(first, at) for at in range(0, count * every, every)]\n    return dates\n"
    if text.count(bad) != 1:
        raise ValueError("the loop stands %d times" % text.count(bad))
    return text.replace(bad, good) + "\n# right\n"
