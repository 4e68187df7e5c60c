"""Runs the agent's tests against right implementations and broken ones.

Broken ones are made from the module in setup.py, the judge's own copy. Every test of this file asks
that the agent's tests pass with all right ones, or else a test that always fails would catch all.
What tells a right one from a broken one is what it does: the right ones have little of their
source in common.
"""

import ast
import collections
import contextlib
import functools
import json
import random
import string
import typing

SUITE_CHARACTERS = 50000
PLAIN = {"math", "itertools"}  # modules written in C
EXPORTS = {
    module.__name__: set(module.__all__) for module in (collections, contextlib, functools, random, string, typing)
}
EXPORTS["ttl_cache"] = {"TTLCache"}
EXPORTS["unittest"] = {"TestCase", "TestSuite", "main", "skip", "skipIf", "skipUnless", "expectedFailure", "SkipTest"}
BUILTINS = {"eval", "exec", "compile", "open", "getattr", "setattr", "delattr", "vars", "dir", "globals", "locals"}
BUILTINS |= {"__import__", "__builtins__", "__loader__", "__spec__", "__file__", "breakpoint", "input"}
DUNDERS = {"__init__", "__call__", "__len__", "__contains__"}
WAYS_OUT = {"sys", "os", "io", "builtins", "modules", "importlib", "inspect", "linecache", "traceback"}

# ── right ones ───────────────────────────────────────────────────────────────────────────

ORDERED = """
import collections
import time
from dataclasses import dataclass


@dataclass
class Slot:
    content: object
    until: float


class TTLCache:
    def __init__(self, capacity, ttl=None, clock=time.monotonic):
        _check(capacity, ttl)
        self.capacity, self.ttl = capacity, ttl
        self.now = clock
        self.slots = collections.OrderedDict()
        self.hits = self.misses = 0

    def put(self, key, value, ttl=None):
        _check(1, ttl)
        now = self.now()
        lives = self.ttl if ttl is None else ttl
        until = float("inf") if lives is None else now + lives
        if key not in self:
            while len(self) >= self.capacity:
                self.slots.popitem(last=False)
        self.slots[key] = Slot(value, until)
        self.slots.move_to_end(key)

    def get(self, key, default=None):
        slot = self.alive().get(key)
        if slot is None:
            self.misses = self.misses + 1
            return default
        self.hits = self.hits + 1
        self.slots.move_to_end(key)
        return slot.content

    def alive(self):
        while True:
            gone = next((key for key, slot in self.slots.items() if not self.now() < slot.until), self)
            if gone is self:
                return self.slots
            self.slots.pop(gone)

    def __contains__(self, key):
        return key in self.alive()

    def __len__(self):
        return len(self.alive())

    def keys(self):
        return [*self.alive()]

    def pop(self, key):
        return self.alive().pop(key).content

    def remaining(self, key):
        until = self.alive()[key].until
        return until - self.now() if until < float("inf") else None

    def resize(self, capacity):
        _check(capacity, None)
        self.capacity = capacity
        for key in self.keys()[: max(0, len(self) - capacity)]:
            self.slots.pop(key)

    def clear(self):
        self.slots = collections.OrderedDict()
        self.hits, self.misses = 0, 0


def _check(capacity, ttl):
    if not capacity >= 1:
        raise ValueError(capacity)
    if not (ttl is None or ttl > 0):
        raise ValueError(ttl)
"""

LISTED = """
import itertools
import time


class _Missing(KeyError):
    pass


class TTLCache(object):
    __slots__ = ("capacity", "ttl", "hits", "misses", "tick", "rows", "ticks")

    def __init__(self, capacity, ttl=None, clock=time.monotonic):
        self.tick, self.ttl, self.rows = clock, ttl, []
        self.ticks = itertools.count()
        self.hits, self.misses = 0, 0
        if ttl is not None and not ttl > 0:
            raise ValueError("no time to live")
        self.capacity = 0
        self.resize(capacity)

    def _row(self, key):
        now = self.tick()
        for row in self.rows:
            if row["key"] == key and hash(row["key"]) == hash(key) and (row["end"] is None or now < row["end"]):
                return row
        raise _Missing(key)

    def _sorted(self):
        now = self.tick()
        self.rows = [row for row in self.rows if row["end"] is None or row["end"] > now]
        self.rows.sort(key=lambda row: row["used"])
        return self.rows

    def put(self, key, value, ttl=None):
        if ttl is not None and not ttl > 0:
            raise ValueError("no time to live")
        if ttl is None:
            ttl = self.ttl
        end = ttl if ttl is None else self.tick() + ttl
        rows = [row for row in self._sorted() if row["key"] != key]
        rows = rows[max(0, len(rows) + 1 - self.capacity) :]
        rows.append({"key": key, "value": value, "end": end, "used": next(self.ticks)})
        self.rows = rows

    def get(self, key, default=None):
        try:
            row = self._row(key)
        except KeyError:
            self.misses += 1
            return default
        row["used"] = next(self.ticks)
        self.hits += 1
        return row["value"]

    def __contains__(self, key):
        return any(row["key"] == key for row in self._sorted())

    def __len__(self):
        return sum(1 for _ in self._sorted())

    def keys(self):
        return [row["key"] for row in self._sorted()]

    def pop(self, key):
        row = self._row(key)
        self.rows = [other for other in self.rows if other is not row]
        return row["value"]

    def remaining(self, key):
        end = self._row(key)["end"]
        if end is not None:
            end -= self.tick()
        return end

    def resize(self, capacity):
        if capacity <= 0:
            raise ValueError("no capacity")
        self.capacity = capacity
        self.rows = self._sorted()[-capacity:]

    def clear(self):
        del self.rows[:]
        self.hits -= self.hits
        self.misses -= self.misses
"""

# ── broken ones: a name, and what to change in the module, line by line as in a diff ──────

BROKEN = '''
@ capacity_zero
         """
-        if capacity < 1:
-            raise ValueError("capacity must be at least 1")
         if ttl is not None and ttl <= 0:
@ ttl_zero
             raise ValueError("capacity must be at least 1")
-        if ttl is not None and ttl <= 0:
-            raise ValueError("ttl must be greater than 0")
+        if ttl is not None and ttl < 0:
+            raise ValueError("ttl")
@ ttl_negative
             raise ValueError("capacity must be at least 1")
-        if ttl is not None and ttl <= 0:
-            raise ValueError("ttl must be greater than 0")
+        if ttl is not None and ttl == 0:
+            raise ValueError("ttl")
@ ttl_unset
-        self.ttl = ttl
+        self.ttl = None
@ expires_late
-        for key in [key for key, (_, expires) in self._entries.items() if expires is not None and expires <= now]:
+        for key in [key for key, (_, expires) in self._entries.items() if expires is not None and expires < now]:
@ get_prolongs
-        self._entries[key] = entry
+        self._entries[key] = (entry[0], entry[1] and self._clock() + (self.ttl or 0))
@ put_keeps_expiry
-        self._entries.pop(key, None)
+        old = self._entries.pop(key, None)
...
-        self._entries[key] = (value, expires)
+        self._entries[key] = (value, old[1] if old else expires)
@ own_ttl_ignored
-        lifetime = self.ttl if ttl is None else ttl
+        lifetime = self.ttl
@ own_ttl_capped
-        lifetime = self.ttl if ttl is None else ttl
+        lifetime = self.ttl if ttl is None else min(ttl, self.ttl or ttl)
@ own_ttl_sticks
-        lifetime = self.ttl if ttl is None else ttl
+        lifetime = self.ttl = self.ttl if ttl is None else ttl
@ own_ttl_zero
         """
-        if ttl is not None and ttl <= 0:
+        if ttl is not None and ttl < 0:
@ own_ttl_negative
         """
-        if ttl is not None and ttl <= 0:
+        if ttl is not None and ttl == 0:
@ refused_put_removes
-        self._entries.pop(key, None)
...
         """
+        self._entries.pop(key, None)
         if ttl is not None and ttl <= 0:
@ refused_put_evicts
         """
+        self._drop_expired()
         if ttl is not None and ttl <= 0:
...
-            raise ValueError("ttl must be greater than 0")
-        self._drop_expired()
+            if len(self._entries) >= self.capacity and key not in self._entries:
+                del self._entries[next(iter(self._entries))]
+            raise ValueError('ttl')
@ get_is_no_use
-        entry = self._entries.pop(key)
+        entry = self._entries[key]
@ put_again_is_no_use
-        self._entries.pop(key, None)
-        if len(self._entries) >= self.capacity:
+        if key not in self._entries and len(self._entries) >= self.capacity:
@ one_too_many
-        if len(self._entries) >= self.capacity:
+        if len(self._entries) > self.capacity:
@ one_too_few
-        if len(self._entries) >= self.capacity:
+        if len(self._entries) >= max(1, self.capacity - 1):
@ newest_goes
-            oldest = next(iter(self._entries))
+            oldest = list(self._entries)[-1]
@ put_again_evicts
         self._drop_expired()
+        full = len(self._entries) >= self.capacity
         self._entries.pop(key, None)
...
-        if len(self._entries) >= self.capacity:
+        if full and self._entries:
@ expired_take_room
             raise ValueError("ttl must be greater than 0")
-        self._drop_expired()
@ contains_is_a_use
         self._drop_expired()
+        if key in self._entries:
+            self._entries[key] = self._entries.pop(key)
         return key in self._entries
@ remaining_is_a_use
         expires = self._entries[key][1]
+        self._entries[key] = self._entries.pop(key)
@ contains_counts_hit
         self._drop_expired()
+        self.hits += key in self._entries
         return key in self._entries
@ contains_counts_miss
         self._drop_expired()
+        self.misses += key not in self._entries
         return key in self._entries
@ expired_is_no_miss
         """
+        self.misses += key not in self._entries
         self._drop_expired()
...
-            self.misses += 1
@ misses_uncounted
-            self.misses += 1
+            self.misses = 1
@ hits_uncounted
-        self.hits += 1
+        self.hits = max(self.hits, 1)
@ pop_counts
-        return self._entries.pop(key)[0]
+        value = self._entries.pop(key)[0]
+        self.hits += 1
+        return value
@ pop_counts_miss
         self._drop_expired()
+        self.misses += key not in self._entries
         return self._entries.pop(key)[0]
@ clear_keeps_hits
         self._entries.clear()
-        self.hits = 0
@ clear_keeps_misses
         self._entries.clear()
         self.hits = 0
-        self.misses = 0
@ clear_keeps_entries
-        self._entries.clear()
@ len_with_expired
         """Return the number of entries that are alive."""
-        self._drop_expired()
@ keys_with_expired
         """Return a list of the keys, the one used longest ago first."""
-        self._drop_expired()
@ contains_expired
         """Return whether a key is there. That is no use, no hit and no miss."""
-        self._drop_expired()
@ keys_newest_first
-        return list(self._entries)
+        return list(self._entries)[::-1]
@ keys_sorted
-        return list(self._entries)
+        return sorted(self._entries, key=str)
@ no_default
-            return default
+            return None
@ no_default_where_it_never_was
-        self._drop_expired()
-        if key not in self._entries:
-            self.misses += 1
-            return default
+        known = key in self._entries
+        self._drop_expired()
+        if key not in self._entries:
+            self.misses += 1
+            return default if known else None
@ falsy_is_absent
-        if key not in self._entries:
+        if key not in self._entries or not self._entries[key][0]:
@ none_is_absent
-        if key not in self._entries:
+        if key not in self._entries or self._entries[key][0] is None:
@ put_again_keeps_value
-        self._entries.pop(key, None)
+        value = self._entries.pop(key, (value, None))[0]
@ pop_leaves
-        return self._entries.pop(key)[0]
+        return self._entries[key][0]
@ pop_of_absent
-        return self._entries.pop(key)[0]
+        return self._entries.pop(key, (None, None))[0]
@ pop_of_expired
         """Remove a key and return its value; raise KeyError if it is absent. Counts neither hit nor miss."""
-        self._drop_expired()
@ remaining_is_whole
-        return None if expires is None else expires - self._clock()
+        return None if expires is None else self.ttl
@ remaining_of_forever
-        return None if expires is None else expires - self._clock()
+        return 0 if expires is None else expires - self._clock()
@ remaining_of_absent
         self._drop_expired()
+        if key not in self._entries:
+            return None
         expires = self._entries[key][1]
@ remaining_of_expired
         """Return for how many seconds a key is still alive, None if forever; raise KeyError if it is absent."""
-        self._drop_expired()
@ resize_drops_newest
-            del self._entries[next(iter(self._entries))]
+            self._entries.popitem()
@ resize_is_forgotten
         self._drop_expired()
-        self.capacity = capacity
@ resize_to_zero
         """
-        if capacity < 1:
-            raise ValueError("capacity must be at least 1")
+        if capacity < 0:
+            raise ValueError("capacity")
         self._drop_expired()
@ refused_resize_changes
         if capacity < 1:
-            raise ValueError("capacity must be at least 1")
+            self.capacity = 1
+            raise ValueError("capacity")
         self._drop_expired()
@ resize_drops_one
-        while len(self._entries) > capacity:
+        if len(self._entries) > capacity:
@ resize_drops_too_many
-        while len(self._entries) > capacity:
+        while len(self._entries) >= capacity and self._entries:
@ resize_counts_expired
             raise ValueError("capacity must be at least 1")
-        self._drop_expired()
@ resize_only_down
         self._drop_expired()
-        self.capacity = capacity
+        self.capacity = min(capacity, self.capacity)
@ shared_entries
     """
+
+    _entries = {}

...
-        self._entries = {}
'''
BADLY_BROKEN = """
@ no_length
-        return len(self._entries)
+        return 0
@ no_keys
-        return list(self._entries)
+        return []
@ no_pop
-        return self._entries.pop(key)[0]
+        return None
"""


def mistakes(text):
    """Return for each broken one what to replace, ``[(old, new), ...]``."""
    parts = [part.partition("\n") for part in text.split("\n@ ")[1:]]
    return {name: replacements(name, hunks.rstrip("\n").split("\n...\n")) for name, _, hunks in parts}


def replacements(name, hunks):
    source, pairs = MODULE, []
    for lines in (hunk.split("\n") for hunk in hunks):
        old, new = ("".join(line[1:] + "\n" for line in lines if line[:1] in ("", " ", sign)) for sign in "-+")
        if source.count(old) != 1:
            raise ValueError("%s: %r stands %d times in the module" % (name, old, source.count(old)))
        source = source.replace(old, new)
        pairs.append((old, new))
    return pairs


# ── running the agent's tests ────────────────────────────────────────────────────────────

RUNNER = r"""
import collections, contextlib, dataclasses, functools, itertools, json, math, os
import random, resource, string, sys, typing, unittest
paths, sources, base, steps = json.load(sys.stdin)
texts = {}
for path in paths:
    with open("/workspace/" + path, encoding="utf-8") as file:
        texts[path] = file.read()
for each in steps:
    source = base
    for old, new in each:
        source = source.replace(old, new)
    sources.append(source)

def write(folder, source):
    for path, text in dict(texts, **{"ttl_cache.py": source}).items():
        os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
        with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
            file.write(text)

def run(folder):
    os.chdir(folder)
    sys.path[:0] = [folder]
    result = unittest.TestResult()
    unittest.defaultTestLoader.discover("tests").run(result)
    bad = [test.id() for test, _ in result.failures + result.errors] + [t.id() for t in result.unexpectedSuccesses]
    return [result.testsRun, sorted(bad)[:5]]

def attempt(number, source):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        answer = [0, ["the tests could not be run"]]
        resource.setrlimit(resource.RLIMIT_CPU, (2, 2))
        try:
            os.close(reader)
            os.dup2(os.open(os.devnull, os.O_RDWR), 1)
            os.dup2(1, 2)
            folder = "/tmp/implementation%d" % number
            write(folder, source)
            answer = run(folder)
        finally:
            os.write(writer, json.dumps(answer).encode()[:4000])
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read()
    os.waitpid(pid, 0)
    return json.loads(told or '[0, ["the tests used more than two seconds"]]')

print(json.dumps([attempt(*pair) for pair in enumerate(sources)]))
"""


def suite(ws):
    """Return the paths of the agent's tests, once they are seen to keep the rules."""
    paths = [path for path in ws.files("tests") if path.startswith("tests/test") and path.endswith(".py")]
    paths = [path for path in paths if path.count("/") == 1]
    assert paths, "there is no tests/test_*.py"
    texts = [ws.text(path) for path in paths]
    assert sum(map(len, texts)) <= SUITE_CHARACTERS, "the tests are longer than %d characters" % SUITE_CHARACTERS
    for at, path in enumerate(paths):
        try:
            tree = ast.parse(texts[at])
        except (SyntaxError, ValueError, RecursionError) as error:
            raise AssertionError("%s can't be read: %s" % (path, error)) from None
        imported = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        for node in ast.walk(tree):
            allow(node, path, imported)
    return paths


def allow(node, path, imported):
    if isinstance(node, ast.Import):
        for alias in node.names:
            assert alias.name in EXPORTS or alias.name in PLAIN, "%s imports %s" % (path, alias.name)
            assert alias.asname is None or alias.name in PLAIN, "%s imports %s by another name" % (path, alias.name)
    elif isinstance(node, ast.ImportFrom):
        known = not node.level and (node.module in EXPORTS or node.module in PLAIN)
        assert known, "%s imports from %s" % (path, node.module)
        for alias in node.names:
            fine = node.module in PLAIN or alias.name in EXPORTS[node.module]
            assert fine, "%s imports %s from %s" % (path, alias.name, node.module)
    elif isinstance(node, ast.Name):
        assert node.id not in BUILTINS, "%s uses %s" % (path, node.id)
    elif isinstance(node, ast.Attribute):
        hidden = node.attr.startswith("__") and node.attr not in DUNDERS
        hidden = hidden or node.attr in WAYS_OUT
        if isinstance(node.value, ast.Name) and node.value.id in imported:
            hidden = hidden or node.attr not in EXPORTS.get(node.value.id, {node.attr})
        assert not hidden, "%s uses the attribute %s" % (path, node.attr)


OUTCOME = {}  # of the one run that all tests of this file look at: which of the agent's tests fail where


def attempt_all(ws):
    """Run the agent's tests with every implementation, right and broken, once; return what fails in each broken one."""
    if not OUTCOME:
        try:
            OUTCOME["found"] = attempts(ws)
        except AssertionError as error:
            OUTCOME["problem"] = str(error)
    assert "problem" not in OUTCOME, OUTCOME["problem"]
    return OUTCOME["found"]


def attempts(ws):
    paths, right = suite(ws), [MODULE, ORDERED, LISTED]
    known = dict(mistakes(BROKEN), **mistakes(BADLY_BROKEN))
    names = sorted(known)
    given = json.dumps([paths, right, MODULE, [known[name] for name in names]])
    ran = ws.run(["python3", "-I", "-S", "-c", RUNNER], stdin=given, cpu=60.0)
    assert ran.code == 0, "the tests could not be run: %r" % ran
    told = ran.json()
    assert len(told) == len(right) + len(names), "the tests did not run with every implementation"
    for at, (count, bad) in enumerate(told[: len(right)]):
        which = "another right cache" if at else "ttl_cache.py"
        assert not bad, "with %s there fails: %s" % (which, ", ".join(map(str, bad)))
        assert count > 0, "no test was run"
    return {name: told[len(right) + at][1] for at, name in enumerate(names)}


def caught(ws, *names):
    found = attempt_all(ws)
    missed = [name for name in names if not found[name]]
    assert not missed, "not caught: %s" % ", ".join(missed)


# ── tests ────────────────────────────────────────────────────────────────────────────────


@public
def test_right_pass_and_badly_broken_fail(ws):
    """The tests pass with right caches, and fail where len is always 0, keys always empty, pop always None"""
    caught(ws, *mistakes(BADLY_BROKEN))


def test_catches_wrong_limits(ws):
    caught(ws, "capacity_zero", "ttl_zero", "ttl_negative", "ttl_unset", "shared_entries")


def test_catches_wrong_expiry(ws):
    caught(ws, "expires_late", "get_prolongs", "put_keeps_expiry")


def test_catches_wrong_own_ttl(ws):
    caught(ws, "own_ttl_ignored", "own_ttl_capped", "own_ttl_sticks", "own_ttl_zero", "own_ttl_negative")


def test_catches_refused_put_that_changes(ws):
    caught(ws, "refused_put_removes", "refused_put_evicts")


def test_catches_wrong_eviction(ws):
    caught(ws, "one_too_many", "one_too_few", "newest_goes")


def test_catches_uses_not_noted(ws):
    caught(ws, "get_is_no_use", "put_again_is_no_use", "put_again_evicts")


def test_catches_uses_that_are_none(ws):
    caught(ws, "contains_is_a_use", "remaining_is_a_use")


def test_catches_room_taken_by_expired(ws):
    caught(ws, "expired_take_room", "resize_counts_expired")


def test_catches_expired_shown(ws):
    caught(ws, "len_with_expired", "keys_with_expired", "contains_expired", "pop_of_expired", "remaining_of_expired")


def test_catches_wrong_hits_and_misses(ws):
    caught(ws, "hits_uncounted", "misses_uncounted", "expired_is_no_miss")


def test_catches_what_must_not_count(ws):
    caught(ws, "contains_counts_hit", "contains_counts_miss", "pop_counts", "pop_counts_miss")


def test_catches_wrong_values(ws):
    defaults = "no_default", "no_default_where_it_never_was"
    caught(ws, *defaults, "falsy_is_absent", "none_is_absent", "put_again_keeps_value")


def test_catches_wrong_keys(ws):
    caught(ws, "keys_newest_first", "keys_sorted")


def test_catches_wrong_pop(ws):
    caught(ws, "pop_leaves", "pop_of_absent")


def test_catches_wrong_remaining(ws):
    caught(ws, "remaining_is_whole", "remaining_of_forever", "remaining_of_absent")


def test_catches_wrong_resize(ws):
    caught(ws, "resize_drops_newest", "resize_drops_one", "resize_drops_too_many")


def test_catches_capacity_not_kept(ws):
    caught(ws, "resize_is_forgotten", "resize_only_down", "resize_to_zero", "refused_resize_changes")


def test_catches_wrong_clear(ws):
    caught(ws, "clear_keeps_entries", "clear_keeps_hits", "clear_keeps_misses")
