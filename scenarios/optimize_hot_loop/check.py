"""Counts what the functions do, in inputs that can be counted, and holds the results against ones worked out here.

The module is read by ast before it is run: it can't reach the tracer that counts. Numbers are passed
as instances of an ``int`` that counts what is done to it, so that loops in C are seen as well.
"""

import ast
import bisect
import collections
import itertools
import json
import math
import operator

MODULE = "telemetry.py"
PER_VALUE = 400
COUNTED_SIZE = 2000
LARGE = 80000
LARGE_CPU = 2.0
MODULES = {
    "bisect": {name for name in dir(bisect) if name[0] != "_"},
    "collections": {"Counter", "OrderedDict", "defaultdict", "deque"},
    "functools": {"reduce", "partial", "cmp_to_key", "lru_cache", "cache"},
    "heapq": {"heapify", "heappop", "heappush", "heappushpop", "heapreplace", "merge", "nlargest", "nsmallest"},
    "itertools": {name for name in dir(itertools) if name[0] != "_"},
    "math": {name for name in dir(math) if name[0] != "_"},
    "operator": {name for name in dir(operator) if name[0] != "_"} - {"attrgetter", "methodcaller"},
}
CONTAINERS = (list, dict, set, frozenset, tuple, int, float, collections.deque, collections.Counter)
CONTAINERS += (collections.OrderedDict, collections.defaultdict, slice, range)
METHODS = {name for kind in CONTAINERS for name in dir(kind) if name[0] != "_"}
ATTRIBUTES = METHODS.union(*MODULES.values())
WORDS = """
abs all any bool dict divmod enumerate filter float frozenset int isinstance iter len list map max min next pow range
reversed round set slice sorted sum tuple zip IndexError KeyError StopIteration TypeError ValueError
"""
BUILTINS = set(WORDS.split())
FORBIDDEN = (ast.ClassDef, ast.AsyncFunctionDef, getattr(ast, "Match", ast.ClassDef))


# ── what the module may hold ─────────────────────────────────────────────────────────────


def keeps_rules(ws):
    text = ws.text(MODULE)
    assert len(text) < 50000, "%s is too long" % MODULE
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise AssertionError("%s can't be read: %s" % (MODULE, error)) from None
    shadows = [path for path in ws.files() if path.split("/")[0].split(".")[0] in MODULES]
    assert not shadows, "%s stands in for a module of Python's" % shadows[0]
    own = names_made(tree)
    for node in ast.walk(tree):
        allow(node, own)


def names_made(tree):
    """Return the names the module binds itself."""
    own = {"__name__"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
        elif isinstance(node, ast.arg):
            own.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.ExceptHandler)) and node.name:
            own.add(node.name)
        elif isinstance(node, ast.alias):
            own.add(node.asname or node.name)
    dunders = sorted(name for name in own if name.startswith("__") and name != "__name__")
    assert not dunders, "binds %s" % dunders[0]
    return own


def allow(node, own):
    assert not isinstance(node, FORBIDDEN), "a %s is not allowed" % type(node).__name__
    if isinstance(node, ast.Import):
        for alias in node.names:
            assert alias.name in MODULES, "imports %s" % alias.name
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            assert not node.level, "imports from the folder"
            assert node.module in MODULES, "imports from %s" % node.module
            assert alias.name in MODULES[node.module], "imports %s from %s" % (alias.name, node.module)
    elif isinstance(node, ast.Attribute):
        assert node.attr in ATTRIBUTES, "uses the attribute %s" % node.attr
        assert node.attr not in ("attrgetter", "methodcaller"), "uses %s" % node.attr
        assert isinstance(node.ctx, ast.Load), "sets the attribute %s" % node.attr
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        assert node.id in own or node.id in BUILTINS, "uses %s" % node.id
        assert not node.id.startswith("__") or node.id == "__name__", "uses %s" % node.id


# ── inputs, made alike here and beside the functions: the same numbers on every machine ──

DRAW = r"""
class Draws:
    def __init__(self, seed):
        self.state = seed

    def randint(self, low, high):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        return low + (self.state >> 33) % (high - low + 1)

def draw(name, seed, n):
    # about n values at which the quadratic ways take their longest
    number = Draws(seed).randint
    if name == "busiest_moment":
        starts = [number(0, 4 * n) for _ in range(n)]
        return [[(start, start + number(0, 2 * n) * number(0, 1)) for start in starts]]
    if name == "rolling_peak":
        return [[number(-n, n) - at for at in range(n)], max(1, n // 2 - number(0, n // 10))]
    if name == "close_pairs":
        return [[number(0, 9 * n) for _ in range(n)], n + number(0, n)]
    if name == "ranks":
        return [[number(-n, n) for _ in range(n)]]
    if name == "range_totals":
        ranges = [(number(0, n // 3), n - number(0, n // 3)) for _ in range(n)]
        return [[number(-999, 999) for _ in range(n)], ranges]
    falling = [4 * n - 2 * at - number(0, 3) for at in range(n - n // 9)]
    return [falling + [number(0, 6 * n) for _ in range(n // 9)]]

def told(value):
    # tuples told from lists, and a counting number from none
    if isinstance(value, (list, tuple)):
        return [type(value).__name__] + [told(one) for one in value]
    return int.__add__(value, 0) if isinstance(value, int) else value if value is None else repr(value)

def digest(value):
    import hashlib, json
    return hashlib.sha256(json.dumps(told(value)).encode()).hexdigest()
"""
exec(DRAW)

# ── counting ─────────────────────────────────────────────────────────────────────────────

BESIDE = r"""
import bisect, collections, functools, hashlib, heapq, importlib.util, itertools, json, math, operator, os, sys
name, seed, n, budget, source = json.load(sys.stdin)
exec(source)
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
def end(*answer):
    out.write(json.dumps(answer))
    out.flush()
    os._exit(0)
spec = importlib.util.spec_from_file_location("telemetry", "/workspace/telemetry.py")
telemetry = importlib.util.module_from_spec(spec)
"""

COUNTED = r"""
count = 0

class Counted(int):
    __slots__ = ()

def counting(plain, wrap):
    def method(self, *others):
        global count
        count += 1
        value = plain(self, *others)
        return Counted(value) if wrap and type(value) is int else value
    return method

PLAIN = "eq ne lt le gt ge hash bool int index float repr str format trunc floor ceil".split()
WRAP = "neg pos abs invert round add sub mul floordiv mod and or xor lshift rshift pow divmod truediv".split()
WRAP += ["r" + word for word in WRAP[5:]]
for word in PLAIN + WRAP:
    setattr(Counted, "__%s__" % word, counting(getattr(int, "__%s__" % word), word in WRAP))
OURS = Counted.__eq__.__code__

def made(value):
    if isinstance(value, (list, tuple)):
        return type(value)(made(one) for one in value)
    return Counted(value)

def instruction(frame, event, arg):
    global count
    if event == "opcode":
        count += 1
        if count > budget:
            end("over", count)
    return instruction

def entered(frame, event, arg):
    if frame.f_code is OURS:
        if count > budget:
            end("over", count)
        return None
    frame.f_trace_opcodes = True
    frame.f_trace_lines = False
    return instruction

spec.loader.exec_module(telemetry)
function = getattr(telemetry, name)
arguments = [made(one) for one in draw(name, seed, n)]
count = 0
sys.settrace(entered)
value = function(*arguments)
sys.settrace(None)
used = count
end("used", used, digest(value), told(arguments) == told(draw(name, seed, n)))
"""

TIMED = r"""
spec.loader.exec_module(telemetry)
end(digest(getattr(telemetry, name)(*draw(name, seed, n))))
"""


def beside(ws, source, name, seed, n, cpu):
    given = json.dumps([name, seed, n, PER_VALUE * n, DRAW])
    ran = ws.run(["python3", "-I", "-S", "-c", BESIDE + source], stdin=given, cpu=cpu)
    assert ran.code == 0, "%s, n = %d: %s" % (name, n, (ran.stderr.strip().splitlines() or [repr(ran)])[-1][:300])
    return ran.json()


def counted(ws, name, n=COUNTED_SIZE):
    """Count the operations of one call, and look at what it returns."""
    seed = ws.rng.getrandbits(60)
    told = beside(ws, COUNTED, name, seed, n, 20.0)
    assert told[0] == "used", "%s uses more than %d operations for n = %d" % (name, PER_VALUE * n, n)
    assert told[1] <= PER_VALUE * n, "%s uses %d operations for n = %d" % (name, told[1], n)
    assert told[2] == digest(right(name, *draw(name, seed, n))), "%s gave a wrong result for n = %d" % (name, n)
    assert told[3] is True, "%s changed its arguments" % name


def judge(ws, name):
    """A function is right, thrifty and fast."""
    keeps_rules(ws)
    cases = odd(name) + [tuple(draw(name, ws.rng.getrandbits(60), n)) for n in (1, 2, 3, 7, 40)]
    got = ws.calls(MODULE, name, cases)
    for at, case in enumerate(cases):
        wanted = right(name, *case)
        assert repr(got[at]) == repr(wanted), "%s%r gave %.200r, not %.200r" % (name, case, got[at], wanted)
    counted(ws, name)
    seed = ws.rng.getrandbits(60)
    (told,) = beside(ws, TIMED, name, seed, LARGE, LARGE_CPU)
    assert told == digest(right(name, *draw(name, seed, LARGE))), "%s is wrong for n = %d" % (name, LARGE)


# ── what is right, found in other ways than a submission would ──────────────────────────


def odd(name):
    """Return the small cases at which mistakes show."""
    sessions = (
        [],
        [(5, 5)],
        [(3, 3), (1, 1)],
        [(1, 4), (4, 6)],
        [(2, 9), (1, 2)],
        [(4, 2)],
        [(1, 5), (2, 5), (5, 7), (5, 9)],
    )
    return {
        "busiest_moment": [(some,) for some in sessions],
        "rolling_peak": [([], 1), ([4], 1), ([4], 2), ([3, 1, 2], 3), ([2, 2, 1], 2), ([-5, -7, -6], 2)],
        "close_pairs": [([], 3), ([7], 0), ([7, 7, 7], 0), ([1, 4, 7], 3), ([9, 1, 5], 4), ([1, 3], 1)],
        "ranks": [([],), ([5],), ([5, 5, 5],), ([1, 2, 2, 3],), ([-1, 0, -1],)],
        "range_totals": [([], [(0, 0)]), ([4], []), ([1, 2, 3], [(0, 3), (1, 1), (3, 3), (2, 3)]), ([-2, 5], [(0, 1)])],
        "next_higher": [([],), ([1],), ([2, 2, 3],), ([3, 2, 1],), ([1, 3, 2, 3, 4],)],
    }[name]


def right(name, *arguments):
    """Work the result out in another way than a submission would."""
    return {
        "busiest_moment": busiest,
        "rolling_peak": peaks,
        "close_pairs": pairs,
        "ranks": places,
        "range_totals": totals,
        "next_higher": higher,
    }[name](*arguments)


def busiest(sessions):
    real = [(start, end) for start, end in sessions if start < end]
    starts, ends = sorted(start for start, _ in real), sorted(end for _, end in real)
    best = None
    for start in starts:
        count = bisect.bisect_right(starts, start) - bisect.bisect_right(ends, start)
        if best is None or count > best[1]:
            best = (start, count)
    return best


def peaks(values, window):
    """The largest of each window from blocks of its size: the rest of one, the beginning of the next."""
    ahead, back = list(values), list(values)
    for at in range(1, len(values)):
        if at % window:
            ahead[at] = max(ahead[at - 1], ahead[at])
        reverse = len(values) - 1 - at
        if (reverse + 1) % window:
            back[reverse] = max(back[reverse + 1], back[reverse])
    return [max(back[at], ahead[at + window - 1]) for at in range(len(values) - window + 1)]


def pairs(times, gap):
    ordered = sorted(times)
    return sum(bisect.bisect_right(ordered, time + gap) - at - 1 for at, time in enumerate(ordered))


def places(scores):
    ordered = sorted(scores)
    return [1 + len(ordered) - bisect.bisect_right(ordered, score) for score in scores]


def totals(values, ranges):
    sums = list(itertools.accumulate(values, initial=0))
    return [sums[end] - sums[begin] for begin, end in ranges]


def higher(values):
    """From the end: what isn't higher refers to what is higher than itself."""
    found = [-1] * len(values)
    for at in range(len(values) - 2, -1, -1):
        later = at + 1
        while later != -1 and values[later] <= values[at]:
            later = found[later]
        found[at] = later
    return found


# ── tests ────────────────────────────────────────────────────────────────────────────────


@public
def test_close_pairs_is_counted(ws):
    """telemetry.py keeps the rules, and close_pairs uses at most 400 operations per value for n = 2,000"""
    keeps_rules(ws)
    counted(ws, "close_pairs")


@public
def test_rolling_peak_is_counted(ws):
    """telemetry.py keeps the rules, and rolling_peak uses at most 400 operations per value for n = 2,000"""
    keeps_rules(ws)
    counted(ws, "rolling_peak")


def test_busiest_moment(ws):
    judge(ws, "busiest_moment")


def test_rolling_peak(ws):
    judge(ws, "rolling_peak")


def test_close_pairs(ws):
    judge(ws, "close_pairs")


def test_ranks(ws):
    judge(ws, "ranks")


def test_range_totals(ws):
    judge(ws, "range_totals")


def test_next_higher(ws):
    judge(ws, "next_higher")
