"""Attacks on the verdict: forging answers, finding them, dodging the judge, taking hidden inputs out."""

# ruff: noqa: E501  attacks are easier to read on one line

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import time

import pytest
from ground import HONEST, TOOLKIT, check_text, digest_task, right, token

from deepgym_env import AsyncDeepGym, Call, Comparison, DeepGym, Limits, Query, Task, TestCase
from deepgym_env.extraction import extract_code

COMPARISONS = ("exact", "float", "unordered", "any_of", "checker")


def typed_task(kind: str, *expected: object, public: bool = True) -> Task:
    """Return a task that wants those values, under one kind of comparison."""
    return Task(
        id="typed",
        title="Typed",
        prompt="Write solve.",
        entry_point="solve",
        tests=tuple(
            TestCase(
                id=f"t{n}", calls=(Call(args=(n,), expected=[value] if kind == "any_of" else value),), public=public
            )
            for n, value in enumerate(expected)
        ),
        limits=Limits(cpu_seconds=0.5, wall_seconds=1.5, memory_mb=128),
        comparison=Comparison(kind=kind),
        check=(lambda args, wanted, got: got == wanted) if kind == "checker" else None,
    )


# ── forging ───────────────────────────────────────────────────────────────────────────────

# name: (statuses it may come to, tests it may pass at most, source)
FORGERIES = {
    "frames_on_every_descriptor": (
        {"tampered"},
        0,
        """
        body = b"A" + struct.pack("<d", 0.0) + answer("0" * 16, b"true")
        for descriptor in range(1024):
            try:
                os.write(descriptor, struct.pack("<I", len(body)) + body)
            except OSError:
                pass
        def solve(text): return ""
        """,
    ),
    "engine_frames_on_every_descriptor": (
        {"tampered", "output_limit"},
        0,
        """
        end = json.dumps({"ready": True, "reason": None, "problem": None, "status": 0, "cpu": 0, "rss_kb": 0}).encode()
        frame = struct.pack("<IBI", len(end), 7, 1) + end
        for descriptor in range(1024):
            try:
                os.write(descriptor, frame)
            except OSError:
                pass
        def solve(text): return ""
        """,
    ),
    "verdict_on_stdout": (
        {"wrong_answer"},
        0,
        """
        verdict = {"schema_version": "1.0", "score": 1.0, "passed": True, "cases": [{"id": "t0", "passed": True}] * 4}
        def solve(text):
            for stream in (sys.stdout, sys.stderr, sys.__stdout__):
                print(json.dumps(verdict), "PASSED 4 passed in 0.01s", file=stream, flush=True)
            for descriptor in (0, 1, 2):
                os.write(descriptor, json.dumps(verdict).encode())
            return ""
        """,
    ),
    "verdict_on_stdout_then_exit": (
        {"crashed"},
        0,
        'def solve(text):\n    print(\'{"score": 1.0, "passed": true}\', flush=True)\n    os._exit(0)',
    ),
    "verdict_as_return_value": (
        {"wrong_answer"},
        0,
        'def solve(text): return {"status": "passed", "passed": True, "score": 1.0}',
    ),
    "sys_exit_at_import": ({"exception"}, 0, "sys.exit(0)"),
    "os_exit_at_import": ({"crashed"}, 0, "os._exit(0)"),
    "sys_exit_in_a_test": ({"exception"}, 0, "def solve(text): sys.exit(0)"),
    "os_exit_in_a_test": ({"crashed"}, 0, "def solve(text): os._exit(0)"),
    "skip": ({"exception"}, 0, "import unittest\ndef solve(text): raise unittest.SkipTest('skip')"),
    "exit_from_a_thread": (
        {"crashed"},
        0,
        """
        import threading
        def solve(text):
            threading.Thread(target=os._exit, args=(0,)).start()
            time.sleep(1)
        """,
    ),
    "exit_from_a_thread_at_import": (
        {"crashed"},
        0,
        """
        import threading
        threading.Thread(target=os._exit, args=(0,)).start()
        time.sleep(1)
        """,
    ),
    "exit_code_at_exit": (
        {"exception"},
        0,
        "import atexit\natexit.register(os._exit, 0)\ndef solve(text): sys.exit(0)",
    ),
    "excepthook": (
        {"exception"},
        0,
        "sys.excepthook = lambda *a: os._exit(0)\ndef solve(text): raise RuntimeError",
    ),
    "right_answers_then_exit": (
        {"crashed"},
        3,
        HONEST + "honest, asked = solve, []\n"
        "def solve(text):\n"
        "    asked.append(text)\n"
        "    return honest(text) if len(asked) < 4 else os._exit(0)\n",
    ),
    "right_answer_then_every_later_test_claimed": (
        {"tampered"},
        0,
        HONEST + "honest = solve\n"
        "def solve(text):\n"
        "    for nonce in seen('stage')['nonces']:\n"
        "        say(b'A', answer(nonce, json.dumps(honest(text)).encode()))\n"
        "    return honest(text)\n",
    ),
    "answers_with_guessed_nonces": (
        {"tampered"},
        0,
        "for guess in range(5):\n    say(b'A', answer('%016x' % guess))\ndef solve(text): return ''",
    ),
    "answer_before_it_is_loaded": (
        {"tampered"},
        0,
        "say(b'A', answer('0' * 16))\n" + HONEST,
    ),
    "answers_before_the_question": (
        {"tampered"},
        0,
        "say(b'L')\nsay(b'A', answer('0' * 16))\nos._exit(0)",
    ),
    "loaded_twice": ({"tampered"}, 0, "say(b'L')\n" + HONEST),
    "loaded_as_answers": ({"tampered"}, 0, "for _ in range(4): say(b'L')\n" + HONEST),
    "ready_again": ({"tampered"}, 0, "say(b'R')\n" + HONEST),
    "set_up_failed": ({"tampered"}, 0, "say(b'X', b'no memory')\n" + HONEST),
    "unknown_kind": ({"tampered"}, 0, "say(b'Z')\n" + HONEST),
    "query_where_there_is_none": (
        {"tampered", "timeout"},
        0,
        "def solve(text):\n    say(b'Q', struct.pack('<I', 0) + b'[]')\n    time.sleep(60)",
    ),
    "more_answers_than_asked": (
        {"tampered"},
        0,
        "def solve(text):\n    for _ in range(100): say(b'A', answer(seen('nonce')))\n    return ''\n",
    ),
    "previous_answer_again": (
        {"tampered"},
        0,
        HONEST + "honest, old = solve, []\n"
        "def solve(text):\n"
        "    old.append((seen('nonce'), json.dumps(honest(text)).encode()))\n"
        "    if len(old) == 2:\n"
        "        say(b'A', answer(*old[0]))\n"
        "    return honest(text)\n",
    ),
    "nonces_swapped": (
        {"tampered"},
        0,
        HONEST + "def swap(text, honest=solve):\n"
        "    seen('stage')['nonces'].reverse()\n"
        "    for nonce in seen('stage')['nonces']:\n"
        "        say(b'A', answer(nonce, json.dumps(honest(text)).encode()))\n"
        "    time.sleep(60)\n"
        "solve = swap\n",
    ),
    "more_parts_than_calls": (
        {"tampered"},
        0,
        "def solve(text):\n"
        "    say(b'A', seen('nonce').encode() + part('V', b'null') * 9 + part('O', b''))\n"
        "    time.sleep(60)\n",
    ),
    "no_parts": ({"tampered"}, 0, "def solve(text):\n    say(b'A', seen('nonce').encode())\n    time.sleep(60)"),
    "passed_claimed_as_a_status": (
        {"exception"},
        0,
        'say(b\'L\', b\'{"status": "passed", "error": ""}\')\nos._exit(0)',
    ),
    "passed_claimed_for_a_test": (
        {"exception", "tampered"},
        0,
        "def solve(text):\n"
        "    say(b'A', answer(seen('nonce'), b'{\"status\": \"passed\", \"error\": \"\"}', 'E'))\n"
        "    os._exit(0)\n",
    ),
    "honest_and_one_frame_too_many": (
        {"passed", "tampered"},
        4,
        HONEST + "honest, asked = solve, []\n"
        "def solve(text):\n"
        "    asked.append(text)\n"
        "    if len(asked) == 4:\n"
        "        say(b'A', answer(seen('nonce'), json.dumps(honest(text)).encode()))\n"
        "    return honest(text)\n",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_gains_nothing(attack, name):
    statuses, most, source = FORGERIES[name]
    result = attack(source)
    assert result.status in statuses, result
    assert sum(case.passed for case in result.cases) <= most, result


def test_frames_of_the_right_answers_are_answers(attack):
    """Serving the channel oneself is allowed: whoever knows the answers may send them."""
    result = attack(
        HONEST
        + """
say(b"L")
for _ in range(2):
    stage = json.loads(hear())
    for nonce, (((text,), _),) in zip(stage["nonces"], stage["tests"]):
        say(b"A", answer(nonce, json.dumps(solve(text)).encode()))
os._exit(0)
"""
    )
    assert result.passed


# ── lying objects ─────────────────────────────────────────────────────────────────────────

LIARS = {
    "eq": "class A:\n    def __eq__(self, other): return True\n    __hash__ = None\n    __ne__ = lambda s, o: False",
    "eq_with_hash": "class A:\n    def __eq__(self, other): return True\n    def __hash__(self): return 0",
    "class": "class A:\n    @property\n    def __class__(self): return (int, str, list, float, bool)[CURRENT]",
    "reduce": "class A:\n    def __reduce__(self): return (print, ('owned',))\n    __reduce_ex__ = lambda s, n: (exit, ())",
    "bool": "class A:\n    def __bool__(self): return True\n    def __len__(self): return 2",
    "iter": "class A:\n    def __iter__(self): return iter([1, 2])\n    def __len__(self): return 2\n"
    "    def __getitem__(self, i): return [1, 2][i]",
    "getattr": "class A:\n    def __getattr__(self, name): return self\n    def __call__(self, *a, **k): return True",
    "getattribute": "class A:\n    def __getattribute__(self, name): return [('x', 1)]",
    "dict": "class A:\n    __dict__ = {'$': 'int', 'v': '2a'}",
    "slots": "class A:\n    __slots__ = ('v',)",
    "repr": "class A:\n    def __repr__(self): return '42'\n    __str__ = __format__ = lambda s, *a: '42'",
    "numeric": "class A:\n    __int__ = __index__ = __hash__ = lambda s: 42\n    __float__ = lambda s: 1.5",
    "order": "class A:\n    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = lambda s, o: True\n    __hash__ = lambda s: 0",
    "int_subclass": "class A(int):\n    def __eq__(self, other): return True\n    def __hash__(self): return 42",
    "int_subclass_right": "class Z(int): pass\nA = lambda: Z(42)",
    "str_subclass": "class A(str):\n    def __eq__(self, other): return True\n    __hash__ = str.__hash__",
    "list_subclass": "class A(list):\n    def __eq__(self, other): return True\n    def __iter__(self): return iter([1, 2])",
    "float_subclass": "class A(float):\n    def __eq__(self, other): return True\n    __hash__ = float.__hash__",
    "dict_subclass": "class A(dict):\n    def __eq__(self, other): return True\n    def items(self): return [('$', 'int')]",
    "int_enum": "import enum\nclass E(enum.IntEnum):\n    X = 42\nA = lambda: E.X",
    "metaclass": "class M(type):\n    def __eq__(cls, other): return True\n    def __hash__(cls): return hash(int)\n"
    "    def __instancecheck__(cls, other): return True\n    __name__ = 'int'\nclass A(metaclass=M): pass",
    "metaclass_mro": "class M(type):\n    def mro(cls): return [cls, int, object]\nclass A(int, metaclass=M): pass",
    "named_int": "A = type('int', (), {'__module__': 'builtins', '__eq__': lambda s, o: True, '__hash__': None})",
    "a_class": "class M(type):\n    def __eq__(cls, other): return True\n    __hash__ = type.__hash__\n"
    "class B(metaclass=M): pass\nA = lambda: B",
    "nan": "A = lambda: float('nan')",
    "tagged_node": "A = lambda: {'$': 'int', 'v': '2a'}",
    "exception": "class A(Exception):\n    def __eq__(self, other): return True\n    __str__ = lambda s: '42'",
    "mock": "import unittest.mock\nA = unittest.mock.ANY.__class__",
}


@pytest.mark.parametrize("name", LIARS)
def test_a_lying_object_is_not_equal_to_anything(attack, name):
    source = f"CURRENT = 0\n{LIARS[name]}\ndef solve(n):\n    global CURRENT\n    CURRENT = n\n    return A()\n"
    for kind in COMPARISONS:
        result = attack(source, on=typed_task(kind, 42, "text", [1, 2], 1.5, True, {"k": 1}, None), toolkit=False)
        assert result.score == 0.0, (kind, result)


def test_types_are_kept_apart(attack):
    """Near values of other types: neither comparison but the task's own checker lets one pass."""
    source = "def solve(n): return [True, 1, 1.0, (1, 2), [1.0, 2], {1: 1}, 0, '1', b'x', frozenset()][n]"
    near = typed_task("exact", 1, True, 1, [1, 2], [1, 2], {1: True}, False, 1, "x", set())
    for kind in ("exact", "float", "unordered", "any_of"):
        mixed = typed_task(kind, *(test.calls[0].expected for test in near.tests))
        assert attack(source, on=mixed, toolkit=False).score == 0.0, kind


# ── looking for the answers ───────────────────────────────────────────────────────────────

PLACES = ("in_frames", "in_objects", "in_modules", "in_memory")


@pytest.mark.parametrize("place", PLACES)
def test_no_answer_is_in_the_process(attack, digests, place):
    """The same search that finds the inputs finds no answer, neither at import nor in a test."""
    result = attack(
        f"""
        digests = {digests!r}
        at_import = hunt({place}(), digests)[0]
        def solve(text):
            found, inputs = hunt({place}(), digests)
            print(text in inputs)
            return at_import or found
        """,
        on=digest_task(public=2, hidden=2, cpu_seconds=5, wall_seconds=10),
    )
    assert result.score == 0.0, result
    assert {case.status for case in result.cases} == {"wrong_answer"}, result
    if place != "in_modules":  # inputs are no module's attribute
        assert result.cases[0].stdout == "True\n", "the search itself doesn't work"


def test_no_answer_is_in_the_environment_or_the_files(attack, digests):
    result = attack(
        f"""
        def everything():
            yield repr((os.environ, sys.argv, getattr(sys, "orig_argv", 0), sys.path, sys.flags)).encode()
            for root in ("/tmp", "/box", "/proc", "/dev/shm", "/run", "/var", "/home", "/etc", "/root", "/work", "."):
                for folder, _, names in os.walk(root):
                    for name in names:
                        path = os.path.join(folder, name)
                        yield path.encode()
                        try:
                            if os.path.isfile(path):
                                yield open(path, "rb").read(1 << 20)
                        except OSError:
                            pass
        def solve(text): return hunt(everything(), {digests!r})[0]
        """,
        on=digest_task(cpu_seconds=5, wall_seconds=10),
    )
    assert result.score == 0.0
    assert {case.status for case in result.cases} == {"wrong_answer"}, result


# ── changing the harness ──────────────────────────────────────────────────────────────────

PATCHES = {
    "builtins": "import builtins\nbuiltins.len = lambda x: 0\nbuiltins.type = lambda *a: int\nbuiltins.zip = lambda *a: []",
    "isinstance": "import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.all = builtins.any = lambda *a: True",
    "json_dumps": 'json.dumps = lambda *a, **k: \'{"status": "passed", "passed": true}\'',
    "json_loads": "json.loads = lambda *a, **k: {'nonces': [], 'tests': []}",
    "struct_pack": "struct.pack = lambda *a: b''\nstruct.Struct = None",
    "codec_encode": "sys.modules['runner.codec'].encode = lambda *a: 'true'",
    "codec_text": "sys.modules['runner.codec']._Encoder.text = lambda *a: '{\"$\": \"any\"}'",
    "frames": "sys.modules['runner.wire'].child_frame = lambda p: b''",
    "solver": "sys.modules['runner.child']._Solver.call = lambda *a: (ord('V'), b'true')",
    "solver_test": "sys.modules['runner.child']._Solver.test = lambda *a: b''",
    "failure": "sys.modules['runner.child']._failure = lambda e: {'status': 'passed', 'error': ''}",
    "send": "sys.modules['runner.child']._Channel.send = lambda *a: None",
    "receive": "sys.modules['runner.child']._Channel.receive = lambda *a: None",
    "exit": "os._exit = lambda *a: None",
    "audit_hook": "sys.addaudithook(lambda *a: None)\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)",
    "code_swap": "f = sys.modules['runner.child']._Solver.call\nf.__code__ = (lambda s, a, k: (86, b'null')).__code__",
    "mro_swap": "sys.modules['runner.child']._Solver.__class__ = type('T', (type,), {'__getattribute__': lambda s, n: 1})",
    "import_hook": "import builtins\nbuiltins.__import__ = lambda *a, **k: None",
}


@pytest.mark.parametrize("name", PATCHES)
def test_a_patched_harness_decides_nothing(attack, name):
    result = attack(PATCHES[name] + "\ndef solve(text): return ''\n")
    assert result.score == 0.0, result


@pytest.mark.parametrize("clock", ["0.0", "-1.0", "1e300", "float('nan')", "START", "(yield_ := time.monotonic())"])
def test_a_lie_about_the_cpu_time_buys_none(attack, short_task, clock):
    """The harness reports its own clock; the runner holds it against what the kernel says."""
    result = attack(
        f"""
        real = time.process_time
        START = real()
        time.process_time = lambda: {clock}
        def solve(text):
            begin = real()
            while real() - begin < 3: pass
            return {right(token(0))!r}
        """,
        on=short_task,
    )
    assert (result.status, result.score) == ("timeout", 0.0)


# ── poisoning what comes after ────────────────────────────────────────────────────────────

POISONS = {
    "builtins": "import builtins\nbuiltins.len = lambda x: 7\nbuiltins.POISON = 1\ndel builtins.sorted",
    "modules": "sys.modules['math'] = sys.modules['random'] = sys.modules['json'] = None\nsys.modules['poison'] = sys",
    "module_functions": "import math, random\nmath.sqrt = lambda x: 7\nrandom.random = lambda: 0.7",
    "random_state": "import random\nrandom.seed(7)\nrandom.random()",
    "environment": "os.environ['POISON'] = '1'\nos.putenv('POISON', '1')\nos.environ.pop('LANG', None)",
    "linecache": "import linecache\nlinecache.cache['poison.py'] = (1, None, ['x'], 'poison.py')",
    "files": "open('/tmp/poison', 'w').write('x')\nos.makedirs('/tmp/a/b')\nos.chdir('/tmp/a')\nos.umask(0o777)",
    "signals": "import signal\nfor n in (2, 14, 15, 17): signal.signal(n, signal.SIG_IGN)\nsignal.alarm(1)",
    "signal_mask": "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))",
    "recursion": "sys.setrecursionlimit(10**6)\nsys.setswitchinterval(100)",
    "path": "sys.path.insert(0, '/tmp')\nsys.meta_path.clear()\nsys.path_hooks.clear()",
    "digits": "getattr(sys, 'set_int_max_str_digits', print)(0)",
    "decimal": "import decimal\ndecimal.getcontext().prec = 3",
    "descriptors": "os.closerange(0, 64)",
    "limits": "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))\nresource.setrlimit(resource.RLIMIT_AS, (1, 1))",
    "garbage": "gc.disable()\ngc.unfreeze()\ngc.set_threshold(0)",
    "harness": "sys.modules['runner.child'].main = None\nsys.modules['runner.zygote'].child = None",
    "stdlib_file": "import re as r\ntry: open(r.__file__, 'a').write('poison')\nexcept OSError: pass",
    "ctypes_ints": "import ctypes\nctypes.memset(id(7) + 24, 8, 1)",
}
SENSOR = """
import builtins, collections, decimal, gc, json, linecache, math, os, random, resource, signal, sys

def solve(text):
    return [
        sorted(vars(builtins)), len("abc"), sorted(sys.modules), sorted(os.environ.items()), sorted(linecache.cache),
        random.random(), math.sqrt(4), os.listdir("/tmp"), os.getcwd(), os.umask(0), sys.path, len(sys.meta_path),
        [str(signal.getsignal(n)) for n in range(1, 32)], sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        sys.getrecursionlimit(), sys.getswitchinterval(), decimal.getcontext().prec, 7 + 0, gc.isenabled(),
        gc.get_threshold(), [list(resource.getrlimit(n)) for n in range(10)], signal.getitimer(0)[0],
        getattr(sys, "get_int_max_str_digits", int)(), os.path.getsize(json.__file__), str(sys.flags),
    ]
"""


@pytest.mark.parametrize("name", POISONS)
def test_the_next_submission_finds_the_world_as_it_was(attack, engine, name):
    sensors = typed_task("exact", None)
    clean = engine.run(sensors, SENSOR)
    assert clean.status == "wrong_answer", clean
    digest = SENSOR.replace("return [", "return __import__('hashlib').sha256(repr([").replace(
        "\n    ]\n", "\n    ]).encode()).hexdigest()\n"
    )
    before = engine.run(sensors, digest).cases[0].output_summary
    assert len(before) == 66, before
    attack(POISONS[name] + "\ndef solve(text): return ''\n")
    assert engine.run(sensors, digest).cases[0].output_summary == before


# ── dodging the verdict ───────────────────────────────────────────────────────────────────

DODGES = {
    "garbage": "os.write(3, bytes(range(256)) * 64)",
    "zeros": "os.write(3, bytes(4096))",
    "huge_length": "os.write(3, struct.pack('<I', 0xFFFFFFFF) + b'A' * 100)",
    "huge_length_alone": "os.write(3, struct.pack('<I', 0x7FFFFFFF))",
    "zero_length": "os.write(3, struct.pack('<I', 0))",
    "short_frame": "os.write(3, struct.pack('<I', 1) + b'A')",
    "nan_clock": "say(b'A', b'', float('nan'))",
    "half_frame_then_sleep": "os.write(3, struct.pack('<I', 100) + b'A' * 10); time.sleep(60)",
    "half_frame_then_exit": "os.write(3, struct.pack('<I', 100) + b'A' * 10); os._exit(0)",
    "half_length_then_exit": "os.write(3, b'\\x01'); os._exit(0)",
    "close": "os.close(3)",
    "close_then_sleep": "os.close(3); time.sleep(60)",
    "close_all": "os.closerange(0, 256); time.sleep(60)",
    "shutdown_read": "import socket; socket.socket(fileno=3).shutdown(socket.SHUT_RD); time.sleep(60)",
    "shutdown_write": "import socket; socket.socket(fileno=3).shutdown(socket.SHUT_WR); time.sleep(60)",
    "shutdown_both": "import socket; socket.socket(fileno=3).shutdown(socket.SHUT_RDWR); time.sleep(60)",
    "moved": "KEEP = os.dup(3); os.close(3); time.sleep(60)",
    "replaced": "KEEP = os.dup(3); os.dup2(os.open('/dev/null', os.O_RDWR), 3); time.sleep(60)",
    "nothing_reads": "os.read(3, 1 << 20); time.sleep(60)",
    "flood": "os.set_blocking(3, True)\n    while True: os.write(3, b'\\x00\\xff' * 50000)",
    "exit_1": "os._exit(1)",
    "abort": "os.abort()",
    "null_pointer": "import ctypes; ctypes.string_at(0)",
    "jump_nowhere": "import ctypes; ctypes.CFUNCTYPE(None)(8)()",
    "set_up_failure": "say(b'X', b'out of memory'); os._exit(1)",
    "stack": "import ctypes; ctypes.memset(id(sys), 255, 4096)",
}
AT = {
    "import": "{dodge}\ndef solve(text): return ''\n",
    "test": "def solve(text):\n    {dodge}\n    return ''\n",
    "hidden": "asked = []\n"
    + HONEST.replace("solve", "honest")
    + "def solve(text):\n    asked.append(text)\n    if len(asked) < 3: return honest(text)\n    {dodge}\n    return ''\n",
}


@pytest.mark.parametrize("when", AT)
@pytest.mark.parametrize("name", DODGES)
def test_the_verdict_can_not_be_dodged(attack, name, when):
    dodge = DODGES[name] if when != "import" else DODGES[name].replace("\n    ", "\n")
    result = attack(AT[when].format(dodge=dodge), on=digest_task(public=2, hidden=1, wall_seconds=0.4))
    assert not result.passed
    assert sum(case.passed for case in result.cases) <= (2 if when == "hidden" else 0), result
    assert result.status in {"crashed", "timeout", "tampered", "output_limit", "exception", "wrong_answer"}, result


@pytest.mark.parametrize("number", sorted(set(range(1, 65)) - {32, 33}))
@pytest.mark.parametrize("isolation", ["engine", "degraded"])
def test_no_signal_to_oneself_avoids_the_verdict(attack, request, isolation, number):
    """Pid 1 of a namespace may ignore it; then it goes on and is wrong."""
    result = attack(
        f"def solve(text):\n    os.kill(os.getpid(), {number})\n    return ''\n",
        on=digest_task(public=1, hidden=0, wall_seconds=0.2),
        engine=request.getfixturevalue(isolation),
    )
    assert result.score == 0.0
    expected = {"wrong_answer", "crashed", "exception", "timeout"}  # timeout: it stopped itself
    assert result.status in (expected | {"forbidden"} if number == signal.SIGSYS else expected), result


REPORTS = {
    "status_is_a_list": b'{"status": [], "error": ""}',
    "status_is_a_dict": b'{"status": {}, "error": ""}',
    "status_is_a_number": b'{"status": 1e999, "error": ""}',
    "status_is_null": b'{"status": null, "error": null}',
    "status_is_infrastructure": b'{"status": "infrastructure_error", "error": ""}',
    "status_is_not_run": b'{"status": "not_run", "error": ""}',
    "error_is_a_surrogate": b'{"status": "exception", "error": "\\ud800"}',
    "error_is_long": b'{"status": "exception", "error": "' + b"x" * 100_000 + b'"}',
    "error_is_a_list": b'{"status": "exception", "error": [[["x"]]]}',
    "error_is_controls": b'{"status": "exception", "error": "\\u0000\\u001b[2J"}',
    "digits": b'{"status": "exception", "error": ' + b"9" * 100_000 + b"}",
    "deep": b"[" * 100_000,
    "deep_error": b'{"status": "exception", "error": ' + b"[" * 900 + b"]" * 900 + b"}",
    "list": b"[]",
    "number": b"NaN",
    "no_json": b"\x00\xff\xfe",
    "empty": b"{}",
}


@pytest.mark.parametrize("where", ["load", "public", "hidden"])
@pytest.mark.parametrize("name", REPORTS)
def test_a_malformed_report_of_an_error_is_an_error(attack, name, where):
    data = REPORTS[name]
    if where == "load":
        source, on = f"say(b'L', {data!r})\nos._exit(0)\n", digest_task(1, 1)
    else:
        source = f"def solve(text):\n    say(b'A', answer(seen('nonce'), {data!r}, 'E'))\n    os._exit(0)\n"
        on = digest_task(1, 0) if where == "public" else digest_task(0, 1)
    result = attack(source, on=on)
    assert (result.status, result.score) == ("exception", 0.0), result


VALUES = {
    "empty": b"",
    "no_text": b"\xff\xfe",
    "no_json": b"{",
    "deep_lists": b"[" * 50_000 + b"]" * 50_000,
    "deep_nodes": b'{"$":' * 50_000,
    "deep_within_reason": b"[" * 500 + b"]" * 500,
    "tag_is_a_list": b'{"$":[],"v":[]}',
    "tag_is_a_node": b'{"$":{"$":"int"},"v":[]}',
    "no_tag": b'{"v":1}',
    "unknown_tag": b'{"$":"eval","v":"1/0"}',
    "query_tag": b'{"$":"query","v":0}',
    "unhashable_member": b'{"$":"set","v":[[1]]}',
    "unhashable_key": b'{"$":"dict","v":[[[],1]]}',
    "dict_of_no_pairs": b'{"$":"dict","v":5}',
    "no_hex": b'{"$":"int","v":"zz"}',
    "int_of_a_list": b'{"$":"int","v":[]}',
    "complex_of_nothing": b'{"$":"complex","v":[]}',
    "surrogate_type": b'{"$":"object","type":"\\ud800","v":[]}',
    "surrogate_field": b'{"$":"object","type":"A","v":[["\\ud800",1]]}',
    "surrogate_enum": b'{"$":"enum","type":"\\udfff","v":"X"}',
    "surrogate_text": b'"\\ud800"',
    "type_is_a_list": b'{"$":"object","type":[],"v":[]}',
    "exception_of_nothing": b'{"$":"exception"}',
    "long_digits": b"1" * 100_000,
    "long_exponent": b"1e" + b"9" * 30,
    "huge_range": b'{"$":"range","v":[0,10000000000000000,1]}',
    "range_of_text": b'{"$":"range","v":["a"]}',
    "same_keys": b'{"$":"int","v":"2a","$":"float","v":"nan"}',
    "wide": b"[" + b"[]," * 50_000 + b"[]]",
    "nul": b'"\\u0000\\u001b[2J"',
}


@pytest.mark.parametrize("name", VALUES)
def test_a_malformed_value_is_a_wrong_answer(attack, name):
    source = f"def solve(n):\n    say(b'A', answer(seen('nonce'), {VALUES[name]!r}))\n    os._exit(0)\n"
    for kind in COMPARISONS:
        result = attack(source, on=typed_task(kind, [1, {"k": (2.5, {3})}]))
        assert (result.status, result.score) == ("wrong_answer", 0.0), (kind, result)


def test_an_attribute_may_have_any_name(attack):
    """What an honest harness encodes must be fit to be shown, too."""
    source = "class A: pass\ndef solve(n):\n    a = A()\n    setattr(a, '\\ud800', 1)\n    return a\n"
    assert attack(source, on=typed_task("exact", 1), toolkit=False).status == "wrong_answer"


@pytest.mark.parametrize("seed", range(40))
def test_random_bytes_are_no_way_out(attack, seed):
    result = attack(
        f"""
        import random
        def solve(text):
            r = random.Random({seed})
            for _ in range(r.randrange(1, 4)):
                junk = r.randbytes(r.choice([0, 1, 9, 40, 3000]))
                nonce = r.choice([seen("nonce").encode(), b"", junk[:16]])
                body = r.choice([junk, part(r.choice("VEOX"), junk), part("V", junk) + part("O", junk[:5])])
                say(r.choice([b"A", b"A", b"A", b"L", b"Q", b"R", bytes([r.randrange(256)])]), nonce + body)
            os._exit(r.randrange(256))
        """
    )
    assert result.score == 0.0


def test_a_bad_frame_right_after_the_start_costs_no_runner():
    """Also when the runner reads it in one go with what was sent before it."""
    outputs = [f"# {number}\nimport os\nos.write(3, bytes(4))\n" for number in range(300)]
    with DeepGym(workers=4) as dg:
        batch = dg.run_batch(digest_task(1, 0), outputs)
    assert {(result.status, result.timing.attempts) for result in batch} == {("tampered", 1)}


# ── queries ───────────────────────────────────────────────────────────────────────────────


def query_task(queries: int = 50) -> Task:
    """Return a task that answers questions about a number the submission must find."""
    return Task(
        id="guess",
        title="Guess",
        prompt="Find it.",
        entry_point="solve",
        tests=tuple(
            TestCase(id=f"t{n}", calls=(Call(args=(Query(lambda g, s=s: g >= s),), expected=s),), public=n == 0)
            for n, s in enumerate((37, 11))
        ),
        limits=Limits(cpu_seconds=0.5, wall_seconds=0.3, memory_mb=128, queries=queries),
    )


QUERIES = {
    "no_such_function": "struct.pack('<I', 99) + b'[]'",
    "no_number": "b'\\x00'",
    "no_json": "struct.pack('<I', 0) + b'{'",
    "deep": "struct.pack('<I', 0) + b'[' * 100000",
    "bad_tag": "struct.pack('<I', 0) + b'[{\"$\":[]}]'",
    "no_list": "struct.pack('<I', 0) + b'5'",
    "wrong_types": "struct.pack('<I', 0) + b'[\"a\", [], null]'",
}


def judged_in_time(task: Task, source: str, seconds: float = 8.0):
    """Judge with an engine of its own; that a verdict comes at all is the point."""

    async def main():
        async with AsyncDeepGym(workers=1) as dg:
            return await asyncio.wait_for(dg.run(task, TOOLKIT + source), seconds)

    return asyncio.run(main())


@pytest.mark.parametrize("name", QUERIES)
def test_a_malformed_query_gets_a_verdict(name):
    """Also when the submission then waits for an answer for ever."""
    result = judged_in_time(query_task(), f"def solve(ask):\n    say(b'Q', {QUERIES[name]})\n    time.sleep(600)\n")
    assert result.has_verdict
    assert result.score == 0.0
    assert result.status in {"tampered", "timeout"}


@pytest.mark.parametrize("first", ["say(b'A', answer('0' * 16))", "say(b'L')"])
def test_a_query_after_a_forged_frame_is_not_waited_for(first):
    source = f"def solve(ask):\n    {first}\n    say(b'Q', struct.pack('<I', 0) + b'[1]')\n    time.sleep(600)\n"
    result = judged_in_time(query_task(), source)
    assert (result.status, result.score) == ("tampered", 0.0)


def test_queries_are_counted_by_the_judge(attack):
    """Replacing the counting, asking twice at once, or asking with forged frames: all are counted."""
    result = attack(
        """
        def solve(ask):
            for guess in range(20):
                say(b"Q", struct.pack("<I", 0) + json.dumps([guess]).encode())
                hear()
            low, high = 0, 64
            while low < high:
                middle = (low + high) // 2
                low, high = (low, middle) if ask(middle) else (middle + 1, high)
            return low
        """,
        on=query_task(),
    )
    assert result.passed
    assert all(case.queries >= 26 for case in result.cases), result


def test_more_queries_than_allowed_end_the_test(attack):
    result = attack("def solve(ask):\n    while True: ask(1)\n", on=query_task(queries=20))
    assert (result.status, result.score) == ("timeout", 0.0)


# ── taking hidden inputs out ──────────────────────────────────────────────────────────────

LEAKS = {
    "print_what_is_known": """
        def loot():
            try:
                import socket
                peeked = socket.socket(fileno=os.dup(3)).recv(1 << 20, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            except OSError:
                peeked = b""
            return peeked.decode("latin-1") + repr(hunt(list(in_frames()) + list(in_objects()), [])[1])
        print(loot())
        def solve(text):
            print(loot())
            print(loot(), file=sys.stderr)
            return loot()
        """,
    "raise_what_is_known": """
        def solve(text):
            raise ValueError(repr(hunt(in_objects(), [])[1]))
        """,
    "raise_at_import": """
        raise ValueError(repr(hunt(in_objects(), [])[1]))
        """,
    "exception_type": """
        def solve(text):
            raise type("E" + text.replace(":", "_"), (Exception,), {})(text)
        """,
    "answers_ahead_then_talk": """
        def serve():
            say(b"L")
            stage = json.loads(hear())
            for nonce in stage["nonces"]:
                say(b"A", answer(nonce, b"null", printed=b"known so far: " + repr(stage).encode()))
            hidden = hear().decode()
            for _ in range(2):
                stage = json.loads(hidden)
                for nonce in stage["nonces"]:
                    say(b"A", answer(nonce, json.dumps({"status": "exception", "error": hidden}).encode(), "E",
                                     printed=hidden.encode()))
                say(b"L", json.dumps({"status": "exception", "error": hidden}).encode())
            raise ValueError(hidden)
        serve()
        """,
    "unlock_by_loading": """
        for _ in range(3):
            say(b"L", b"")
        print(hear())
        raise ValueError(repr(hear()))
        """,
    "unlock_by_answers_without_question": """
        say(b"L")
        say(b"A", answer("0" * 16))
        say(b"A", answer("0" * 16))
        stages = [hear(), hear()]
        say(b"L", json.dumps({"status": "exception", "error": repr(stages)}).encode())
        raise ValueError(repr(stages))
        """,
    "malformed_answer_to_a_hidden_test": """
        asked = []
        def solve(text):
            asked.append(text)
            if len(asked) == 3:
                say(b"A", answer(seen("nonce"), b"{" + text.encode(), printed=text.encode()))
                os._exit(0)
            return "x"
        """,
    "type_name_of_a_value": """
        def solve(text):
            return type(text.replace(":", "_"), (), {})()
        """,
    "second_process": """
        asked = []
        def solve(text):
            asked.append(text)
            if len(asked) == 3:
                open("/tmp/loot", "w").write(text)
                os.environ["LOOT"] = text
                os._exit(0)
            return "x"
        print(os.listdir("/tmp"), os.environ.get("LOOT"))
        """,
}


@pytest.mark.parametrize("name", LEAKS)
def test_no_hidden_input_comes_out(attack, tokens, name):
    result = attack(LEAKS[name])
    assert result.score == 0.0
    shown = json.dumps(result.to_protocol()) + result.model_dump_json() + str(result) + repr(result)
    for hidden in tokens[2:]:
        assert hidden not in shown
        assert hidden.removeprefix("in:") not in shown
    for case in result.cases[2:]:
        assert not case.public
        assert (case.input_summary, case.expected_summary, case.output_summary, case.stdout) == ("", "", "", "")


def test_the_hidden_inputs_come_after_the_public_answers(attack, tokens):
    """While the public tests run, the hidden inputs are nowhere in the process."""
    result = attack(
        f"""
        import hashlib
        hidden = {[hashlib.sha256(hidden.encode()).hexdigest() for hidden in tokens[2:]]!r}
        def solve(text):
            found = hunt(in_frames(), [])[1] + hunt(in_memory(), [])[1]
            print(any(hashlib.sha256(token.encode()).hexdigest() in hidden for token in found), text in found)
        """,
        on=digest_task(cpu_seconds=5, wall_seconds=10),
    )
    assert [case.stdout for case in result.cases[:2]] == ["False True\n"] * 2, result


# ── before the sandbox ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("line", ["~~~" + "a" * 25_000 + "`", "```" + " " * 25_000 + "`", "~" * 25_000 + "`"])
def test_finding_the_code_takes_time_in_proportion(line):
    """The search runs on the caller's thread before any limit applies."""
    began = time.process_time()
    extract_code(line)
    assert time.process_time() - began < 2.0


def test_results_of_hostile_text_can_be_stored(engine, task):
    for source in (
        "raise ValueError('\ud800')",
        "\ud800",
        "\x00",
        "print('\ud800')\ndef solve(x): raise OSError('\x00')",
    ):
        result = engine.run(task, source)
        assert result.has_verdict
        check_text(result)
