"""Attacks on the machine: memory, processes, files, time, and on the judge through what it must read."""

# ruff: noqa: E501  attacks are easier to read on one line

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ground import HONEST, TOOLKIT, digest_task, right, token

from deepgym_env import Call, Comparison, Limits, Query, Task, TestCase

ROOT = Path(__file__).parents[2]
ANSWER = right(token(0))

# name: (statuses it may come to, source); one public test
EXHAUSTIONS = {
    # processes and threads
    "fork_bomb": ({"exception"}, "def solve(text):\n    while True: os.fork()"),
    "daemon": ({"exception"}, "def solve(text):\n    if os.fork(): os._exit(0)\n    os.setsid()\n    time.sleep(600)"),
    "new_session": ({"exception"}, "def solve(text):\n    os.setsid()\n    time.sleep(600)"),
    "spawn": ({"exception"}, "import subprocess\ndef solve(text): subprocess.run(['/bin/sh', '-c', 'sleep 600'])"),
    "multiprocessing": (
        {"exception"},
        "import multiprocessing as m\ndef solve(text):\n    p = m.get_context('fork').Process(target=time.sleep, args=(600,))\n"
        "    p.start()",
    ),
    "threads": (
        {"exception", "memory_limit", "timeout"},
        "import _thread\ndef solve(text):\n    while True: _thread.start_new_thread(time.sleep, (600,))",
    ),
    "small_threads": (
        {"exception", "memory_limit", "timeout"},
        "import _thread, threading\nthreading.stack_size(32768)\ndef solve(text):\n"
        "    while True: _thread.start_new_thread(time.sleep, (600,))",
    ),
    "threads_that_spin": (
        {"timeout", "memory_limit", "exception"},
        "import threading\ndef spin():\n    while True: pass\ndef solve(text):\n"
        "    for _ in range(8): threading.Thread(target=spin).start()\n    time.sleep(600)",
    ),
    # memory
    "small_pieces": ({"memory_limit"}, "def solve(text):\n    x = []\n    while True: x.append(bytearray(1000))"),
    "one_list": ({"memory_limit"}, "def solve(text): return [0] * 10**10"),
    "growing_list": ({"memory_limit", "timeout"}, "def solve(text):\n    x = [0]\n    while True: x += x"),
    "bytearray": ({"memory_limit"}, "def solve(text): return len(bytearray(10**10))"),
    "mmap": (
        {"exception", "memory_limit"},
        "import mmap\ndef solve(text):\n    x = []\n    while True: x.append(mmap.mmap(-1, 1 << 20))",
    ),
    "memory_at_import": ({"memory_limit"}, "x = bytearray(10**10)"),
    "memory_error_loop": (
        {"timeout", "memory_limit"},
        "def solve(text):\n    x = []\n    while True:\n        try: x.append(bytearray(1 << 20))\n"
        "        except MemoryError: pass",
    ),
    "pipes": (
        {"exception", "memory_limit", "timeout"},
        "def solve(text):\n    while True:\n        r, w = os.pipe()\n        os.set_blocking(w, False)\n"
        "        os.write(w, bytes(1 << 16))",
    ),
    # recursion
    "recursion": ({"exception"}, "def solve(text): return solve(text)"),
    "recursion_unlimited": (
        {"crashed", "memory_limit", "exception", "timeout"},
        "sys.setrecursionlimit(2**31 - 1)\ndef solve(text): return solve(text) + 1",
    ),
    "recursion_in_c": (
        {"crashed", "memory_limit", "exception", "timeout"},
        "sys.setrecursionlimit(2**31 - 1)\ndef solve(text):\n    x = []\n    for _ in range(10**6): x = [x]\n    return repr(x)",
    ),
    "recursion_while_compiling": ({"syntax_error", "crashed", "memory_limit", "timeout"}, "x = " + "(" * 50_000),
    "operators": ({"syntax_error", "crashed", "exception", "memory_limit", "timeout"}, "x = " + "-" * 100_000 + "1"),
    "folding": (
        {"exception", "memory_limit", "timeout", "syntax_error"},
        "x = ((((1 << 9999) ** 99) ** 99) ** 99) ** 99",
    ),
    # files
    "disk": (
        {"exception"},
        "def solve(text):\n    with open('/tmp/x', 'wb', 0) as f:\n        while True: f.write(bytes(1 << 16))",
    ),
    "many_files_of_some_size": (
        {"exception"},
        "def solve(text):\n    for n in range(10**6):\n        with open(f'/tmp/{n}', 'wb') as f: f.write(bytes(1 << 20))",
    ),
    "inodes": (
        {"exception"},
        "def solve(text):\n    for n in range(10**6): os.close(os.open(f'/tmp/{n}', os.O_CREAT))",
    ),
    "folders": ({"exception"}, "def solve(text):\n    while True:\n        os.mkdir('d')\n        os.chdir('d')"),
    "sparse_file": ({"exception"}, "def solve(text): os.truncate(os.open('/tmp/x', os.O_CREAT | os.O_RDWR), 1 << 40)"),
    "descriptors": ({"exception"}, "def solve(text):\n    while True: os.dup(3)"),
    # output
    "print_flood": ({"output_limit"}, "def solve(text):\n    while True: print('x' * 10000)"),
    "print_flood_caught": (
        {"timeout", "output_limit"},
        "def solve(text):\n    while True:\n        try: print('x' * 10000)\n        except BaseException: pass",
    ),
    "write_flood": ({"timeout"}, "def solve(text):\n    while True: os.write(1, bytes(1 << 16))"),
    "stderr_flood": ({"output_limit"}, "def solve(text):\n    while True: print('x' * 10000, file=sys.stderr)"),
    "print_at_import": ({"output_limit"}, "while True: print('x' * 10000)"),
    "message": (
        {"exception", "memory_limit"},
        "def solve(text): raise ValueError('x' * 10**7)",
    ),
    # values
    "huge_text": ({"output_limit"}, "def solve(text): return 'x' * 10**7"),
    "huge_list": ({"output_limit"}, "def solve(text): return [0] * 10**6"),
    "huge_int": ({"output_limit"}, "def solve(text): return 1 << 10**7"),
    "giant_int": ({"wrong_answer"}, "def solve(text): return 1 << 3 * 10**6"),
    "deep": ({"exception"}, "def solve(text):\n    x = []\n    for _ in range(10**5): x = [x]\n    return x"),
    "deep_dict": ({"exception"}, "def solve(text):\n    x = {}\n    for _ in range(10**5): x = {0: x}\n    return x"),
    "cycle": ({"exception"}, "def solve(text):\n    x = []\n    x.append(x)\n    return x"),
    "cycle_through_dict": ({"exception"}, "def solve(text):\n    x = {}\n    x[0] = [x]\n    return x"),
    "cycle_through_objects": (
        {"exception", "output_limit"},
        "class A: pass\ndef solve(text):\n    a = A()\n    a.a = a.b = a\n    return a",
    ),
    "dag": (
        {"output_limit", "timeout"},
        "def solve(text):\n    x = []\n    for _ in range(100): x = [x, x]\n    return x",
    ),
    "dag_of_tuples": (
        {"output_limit", "timeout"},
        "def solve(text):\n    x = ()\n    for _ in range(100): x = (x, x)\n    return x",
    ),
    "nan_keys": ({"wrong_answer"}, "def solve(text): return {float('nan'): n for n in range(100)}"),
    "endless_iterator": ({"exception"}, "import itertools\ndef solve(text): return itertools.count()"),
    "endless_object": (
        {"exception", "output_limit", "timeout"},
        "class A:\n    @property\n    def __dict__(self): return {'next': A()}\ndef solve(text): return A()",
    ),
    # time
    "sleep": ({"timeout"}, "def solve(text): time.sleep(600)"),
    "sleep_at_import": ({"timeout"}, "time.sleep(600)"),
    "spin": ({"timeout"}, "def solve(text):\n    while True: pass"),
    "spin_at_import": ({"timeout"}, "while True: pass"),
    "spin_in_c": ({"timeout"}, "def solve(text): return sum(range(10**12))"),
    "regular_expression": ({"timeout"}, "import re\ndef solve(text): return re.match('(a+)+b', 'a' * 64)"),
    "power": ({"timeout", "memory_limit"}, "def solve(text): return pow(7, 10**9)"),
    "spin_catching_everything": (
        {"timeout"},
        "def solve(text):\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass",
    ),
    "spin_ignoring_signals": (
        {"timeout"},
        "import signal\nfor n in range(1, 65):\n    try: signal.signal(n, signal.SIG_IGN)\n    except Exception: pass\n"
        "def solve(text):\n    while True: pass",
    ),
    "spin_with_blocked_signals": (
        {"timeout"},
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\ndef solve(text):\n    while True: pass",
    ),
    "sleep_ignoring_signals": (
        {"timeout"},
        "import signal\nfor n in range(1, 65):\n    try: signal.signal(n, signal.SIG_IGN)\n    except Exception: pass\n"
        "def solve(text):\n    while True: time.sleep(600)",
    ),
    "deadlock": (
        {"timeout"},
        "import threading\ndef solve(text):\n    x = threading.Lock()\n    x.acquire()\n    x.acquire()",
    ),
    "del_spins": (
        {"timeout", "wrong_answer"},
        "class A:\n    def __del__(self):\n        while True: pass\ndef solve(text): A()",
    ),
    "slow_encoding": (
        {"timeout"},
        "class A:\n    def __getattribute__(self, name):\n        while True: pass\ndef solve(text): return A()",
    ),
    "slow_message": (
        {"timeout"},
        "class A(Exception):\n    def __str__(self):\n        while True: pass\ndef solve(text): raise A",
    ),
    "itimer": (
        {"exception", "crashed", "timeout"},
        "import signal\nsignal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\ndef solve(text):\n    while True: pass",
    ),
    # the channel
    "slow_drip": (
        {"timeout", "tampered"},
        "def solve(text):\n    for byte in struct.pack('<I', 10**6) + bytes(10**6):\n"
        "        os.write(3, bytes([byte]))\n        time.sleep(0.001)",
    ),
    "tiny_frames": ({"tampered"}, "def solve(text):\n    while True: os.write(3, struct.pack('<I', 1) + b'A')"),
    "tiny_answers": ({"tampered"}, "def solve(text):\n    while True: say(b'A', b'')"),
    "largest_frame_never_finished": (
        {"timeout"},
        "def solve(text):\n    os.write(3, struct.pack('<I', 1 << 20) + bytes(1 << 19))\n    time.sleep(600)",
    ),
    "larger_than_allowed": (
        {"output_limit"},
        "def solve(text):\n    os.write(3, struct.pack('<I', 1 << 24) + bytes(1 << 20))",
    ),
    "reads_nothing": ({"timeout"}, "while True: time.sleep(600)"),
}


@pytest.mark.parametrize("name", EXHAUSTIONS)
def test_a_limit_is_met_and_named(attack, gvisor, name):
    statuses, source = EXHAUSTIONS[name]
    if gvisor and name in ("inodes", "folders"):  # it counts no files, so that they cost memory and time
        statuses = {*statuses, "timeout", "memory_limit"}
    # Under gVisor the same work takes more CPU time, which is not what is tried here.
    cpu, wall = (1.0, 1.2) if gvisor else (0.3, 0.4)
    on = digest_task(public=1, hidden=0, cpu_seconds=cpu, wall_seconds=wall, memory_mb=96, tmp_mb=4)
    result = attack(source, on=on)
    assert result.status in statuses, result
    assert result.score == 0.0


def test_threads_are_few_enough_for_the_machine(attack, short_task):
    """A submission must not come near the number of processes a machine has, with others in flight."""
    result = attack(
        """
        import _thread, threading
        threading.stack_size(32768)
        def solve(text):
            count = 0
            try:
                while count < 4096:
                    _thread.start_new_thread(time.sleep, (600,))
                    count += 1
            except BaseException:
                pass
            return count
        """,
        on=digest_task(1, 0, cpu_seconds=5, wall_seconds=10, memory_mb=256),
    )
    assert int(result.cases[0].output_summary) <= 512, result


def test_memory_of_one_costs_others_nothing(engine, task):
    """Honest submissions next to greedy ones all pass."""
    greedy = [
        f"# {n}\ndef solve(text):\n    x = []\n    while True: x.append(bytearray(1 << 16))\n" for n in range(4)
    ] + [
        f"# {n}\nimport _thread\ndef solve(text):\n    while True: _thread.start_new_thread(input, ())\n"
        for n in range(2)
    ]
    honest = [HONEST + f"# {n}\n" for n in range(6)]
    batch = engine.run_batch(task, [code for pair in zip(greedy, honest, strict=True) for code in pair], max_parallel=2)
    assert all(result.has_verdict for result in batch)
    assert [result.score for result in batch][1::2] == [1.0] * 6
    assert [result.score for result in batch][0::2] == [0.0] * 6


# ── the judge's own time and memory ───────────────────────────────────────────────────────

COLLISIONS = "P = (1 << 61) - 1\nN = [P * k + 1 for k in range(1, 20001)]\n"
BURDENS = {
    "set": COLLISIONS + "V = None\ndef solve(n): return set(N[:600])",
    "set_text": "import json\nN = json.dumps({'$': 'set', 'v': [{'$': 'int', 'v': '%x' % (((1 << 61) - 1) * k + 1)}"
    " for k in range(1, 20001)]}, separators=(',', ':')).encode()\n"
    "def solve(n):\n    say(b'A', answer(seen('nonce'), N))\n    os._exit(0)",
    "dict_text": "import json\nN = json.dumps({'$': 'dict', 'v': [[{'$': 'int', 'v': '%x' % (((1 << 61) - 1) * k + 1)}, 0]"
    " for k in range(1, 18001)]}, separators=(',', ':')).encode()\n"
    "def solve(n):\n    say(b'A', answer(seen('nonce'), N))\n    os._exit(0)",
    "tuples_that_collide": "import itertools, json\n"
    "T = [{'$': 'tuple', 'v': [0.5] * 90 + list(t)} for t in itertools.product((-1, -2), repeat=11)][:1999]\n"
    "N = json.dumps({'$': 'set', 'v': T}, separators=(',', ':')).encode()\n"
    "def solve(n):\n    say(b'A', answer(seen('nonce'), N))\n    os._exit(0)",
    "frozensets": "import json\n"
    "T = [{'$': 'frozenset', 'v': [{'$': 'int', 'v': '%x' % (((1 << 61) - 1) * k)} for k in range(1, 40)]}] * 48\n"
    "N = json.dumps({'$': 'set', 'v': T}, separators=(',', ':')).encode()\n"
    "def solve(n):\n    say(b'A', answer(seen('nonce'), N))\n    os._exit(0)",
    "giant_int": "def solve(n):\n    say(b'A', answer(seen('nonce'), b'{\"$\":\"int\",\"v\":\"' + b'f' * 1000000 + b'\"}'))\n"
    "    os._exit(0)",
    "ten_to_the_million": "X = 10**(3 * 10**5)\ndef solve(n): return X",
    "wide": "def solve(n):\n    say(b'A', answer(seen('nonce'), b'[' + b'[],' * 300000 + b'0]'))\n    os._exit(0)",
    "numbers": "def solve(n): return list(range(140000))",
    "text": "def solve(n): return '\\ud800' * 150000",
}


def hard_task(kind: str, tests: int = 1) -> Task:
    checks = {"checker": lambda args, expected, output: output == expected}
    expected = [[1, 2], [3]]
    return Task(
        id="hard",
        title="Hard",
        prompt="Write solve.",
        entry_point="solve",
        tests=tuple(
            TestCase(id=f"t{n}", calls=(Call(args=(0,), expected=expected),), public=True) for n in range(tests)
        ),
        limits=Limits(cpu_seconds=2, wall_seconds=5, memory_mb=256),
        comparison=Comparison(kind=kind, depth=2),
        check=checks.get(kind),
    )


@pytest.mark.parametrize("kind", ["exact", "unordered", "checker"])
@pytest.mark.parametrize("name", BURDENS)
def test_no_answer_keeps_the_judge_busy(attack, name, kind):
    began = time.process_time()
    # Three of the slowest, so that the bound tells apart on a fast machine, too.
    result = attack(BURDENS[name], on=hard_task(kind, 3 if name == "tuples_that_collide" else 1))
    assert time.process_time() - began < 5.0
    assert result.score == 0.0
    assert result.status in {"wrong_answer", "timeout"}, result


# Runs in a process of its own: a judge that takes too much must not take the test's process along.
_MEASURED = """
import json, resource, sys, time
sys.path.insert(0, {folder!r})
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
from ground import TOOLKIT
from deepgym_env import Call, Comparison, DeepGym, Limits, Query, Task, TestCase
source = TOOLKIT + {source!r}
limits = Limits(cpu_seconds=1, wall_seconds=1, memory_mb=256, queries=200)
{task}
with DeepGym(workers=1) as dg:
    dg.run(task, "def solve(x): return 0")
    cpu, memory = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = dg.run(task, source)
    print(json.dumps({{
        "status": result.status,
        "score": result.score,
        "cpu": time.process_time() - cpu,
        "mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024,
    }}))
"""
_CHECKER = """
task = Task(id="c", title="C", prompt="p", entry_point="solve", limits=limits, comparison=Comparison(kind="checker"),
    check=lambda args, expected, output: sorted(output) == expected,
    tests=(TestCase(id="t0", calls=(Call(args=(0,), expected=[1, 2, 3]),)),))
"""
_QUERY = """
task = Task(id="q", title="Q", prompt="p", entry_point="solve", limits=limits,
    tests=(TestCase(id="t0", calls=(Call(args=(Query(lambda guess: guess >= 7),), expected=7),)),))
"""


def measured(task: str, source: str) -> dict:
    """Return the verdict and what it cost the judge's process, in CPU seconds and MiB."""
    program = _MEASURED.format(folder=str(Path(__file__).parent), source=source, task=task)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_a_checker_is_given_no_endless_range():
    """A range is a few bytes on the wire and gigabytes once a checker sorts it."""
    cost = measured(_CHECKER, "def solve(n): return range(3 * 10**7)\n")
    assert cost["score"] == 0.0
    assert cost["mb"] < 300, cost
    assert cost["cpu"] < 5, cost


def test_a_forged_query_unpacks_no_endless_range():
    source = """
def solve(ask):
    say(b"Q", struct.pack("<I", 0) + b'{"$":"range","v":[0,30000000,1]}')
    os._exit(0)
"""
    cost = measured(_QUERY, source)
    assert cost["score"] == 0.0
    assert cost["mb"] < 300, cost
    assert cost["cpu"] < 5, cost


def test_large_queries_do_not_keep_the_judge_busy():
    """The child pays a write for what the judge has to parse."""
    source = """
payload = struct.pack("<I", 0) + b"[[" + b"[]," * 300000 + b"0]]"
def solve(ask):
    for _ in range(60):
        say(b"Q", payload)
        hear()
"""
    cost = measured(_QUERY, source)
    assert cost["score"] == 0.0
    assert cost["cpu"] < 5, cost


def test_a_flood_of_queries_ends(attack):
    task = Task(
        id="q",
        title="Q",
        prompt="p",
        entry_point="solve",
        limits=Limits(cpu_seconds=0.3, wall_seconds=0.4, memory_mb=96, queries=500),
        tests=(TestCase(id="t0", calls=(Call(args=(Query(lambda guess: guess >= 7),), expected=7),)),),
    )
    for source in (
        "def solve(ask):\n    while True: ask(1)",
        "def solve(ask):\n    while True: say(b'Q', struct.pack('<I', 0) + b'[1]')",
        "import threading\ndef solve(ask):\n    for _ in range(4): threading.Thread(target=ask, args=(1,)).start()\n"
        "    while True: ask(1)",
    ):
        began = time.process_time()
        result = attack(source, on=task)
        assert (result.score, result.status) in {(0.0, "timeout"), (0.0, "tampered"), (0.0, "exception")}, result
        assert time.process_time() - began < 5.0


def test_toolkit_is_valid():
    """The attacks above fail for what they try, not because their tools don't compile."""
    compile(TOOLKIT, "toolkit.py", "exec")
