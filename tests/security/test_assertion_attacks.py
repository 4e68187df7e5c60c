"""Attacks on tests that are code: forged answers, what runs where the tests do, what is swallowed, floods."""

# ruff: noqa: E501  attacks are easier to read on one line

from __future__ import annotations

import asyncio
import gc
import os
import resource
import time
from typing import Any

import pytest
from ground import check_text

from deepgym_env import AssertionTask, AsyncDeepGym, CodeTest, DeepGym, Limits, RunResult

LIMITS = Limits(cpu_seconds=0.5, wall_seconds=0.6, memory_mb=128)


def task(*tests: str, support: str = "", prelude: str = "") -> AssertionTask:
    return AssertionTask(
        id="toy",
        title="Toy",
        prompt="Write f.",
        entry_point="f",
        support=support,
        prelude=prelude,
        limits=LIMITS,
        tests=tuple(CodeTest(id=f"t{n}", code=code, public=True) for n, code in enumerate(tests)),
    )


def judged(engine: DeepGym, on: AssertionTask, code: str) -> list[str]:
    result: RunResult = engine.run(on, code)
    assert result.has_verdict, result.details
    assert result.timing.attempts == 1
    check_text(result)
    return [case.status for case in result.cases]


def forged(reply: str) -> str:
    """Return a submission that replies so to whatever it is asked."""
    return f"def f(): pass\ndef respond_(text, ask): return {reply!r}"


# Speaks for itself on the channel, having said that it is loaded.
SPEAKER = """
import json, os, struct, time
def f(): pass
def take(count):
    data = b""
    while len(data) < count: data += os.read(3, count - len(data))
    return data
def question(): return json.loads(take(struct.unpack("<I", take(4))[0]))["nonces"][0]
def send(kind, body):
    data = kind + bytes(8) + body
    data = struct.pack("<I", len(data)) + data
    while data: data = data[os.write(3, data):]
def part(kind, data): return struct.pack("<BI", ord(kind), len(data)) + data
def query(text): send(b"Q", bytes(4) + json.dumps([text]).encode())
def answer(nonce, text, printed=b""): send(b"A", nonce.encode() + part("V", json.dumps(text).encode()) + part("O", printed))
COLLIDING = '{"$":"set","v":[' + ",".join('{"$":"int","v":"%x"}' % (((1 << 61) - 1) * n) for n in range(1, 15000)) + "]}"
send(b"L", b"")
"""

MALFORMED = {
    "number": "5",
    "text": '"value"',
    "empty": "[]",
    "short": '["value"]',
    "dict": '{"$":"dict","v":[]}',
    "reference": '{"$":"query","v":0}',
    "tuple": '{"$":"tuple","v":["value",3,[]]}',
    "head": '[{"$":"set","v":[]},1,2]',
    "unknown": '["passed","",""]',
    "changed": '["value",4,5]',
    "changed what is none": '["value",4,[[9,[]]]]',
    "changed at no place": '["value",4,[[2.5,[]]]]',
    "raised nothing": '["raised",null,[],"",[]]',
    "raised what the test never did": '["raised",7,["X"],"",[]]',
    "raised what the test did last": '["raised",-1,["X"],"",[]]',
    "raised an object": '["raised",{"$":"query","v":0},["X"],"",[]]',
    "raised no name": '["raised",null,[5],"",[]]',
    "called nothing": '["callback",null,[],{"$":"dict","v":[]}]',
    "reference to no function": '["value",{"$":"query","v":99999},[]]',
    "reference to no built-in": '["value",{"$":"query","v":-99999},[]]',
    "infinite reference": '["value",{"$":"query","v":1e999},[]]',
    "deep": "[" * 5000 + "]" * 5000,
    "no constant": '["value",NaN,[]]',
    "class as a tuple": '["value",{"$":"namedtuple","type":"Node","v":[["v",1]]},[]]',
    "no fraction": '["value",{"$":"made","type":"Fraction","v":["1/0"]},[]]',
    "no maker": '["value",{"$":"made","type":"Popen","v":["ls"]},[]]',
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_reply_is_tampered_with(engine: DeepGym, name: str) -> None:
    prelude = "class Node:\n    def __init__(self, v): self.v = v\n"
    on = task("try:\n    f([1])\nexcept BaseException: pass", "assert f(lambda x: 3) == 4", prelude=prelude)
    assert judged(engine, on, forged(MALFORMED[name])) == ["tampered", "tampered"]


NOTHING_PASSES = {
    "a test's own names, from an import of all": (
        "def isclose(*a): return True\ndef f(x): return 0.0",
        "assert isclose(f(3), 8.25)",
        "wrong_answer",
    ),
    "an end of the test's own loop": (
        "def f(x): raise StopIteration",
        "assert all(map(lambda p: f(p[0]) == p[1], [(1, 2), (2, 3)]))",
        "exception",
    ),
    "an end of the loop, forged": (
        "def f(x): pass\ndef respond_(t, a): return '[\"raised\",null,[\"StopIteration\"],\"\",[]]'",
        "assert all(map(f, [1, 2]))",
        "exception",
    ),
    "a death that is swallowed": (
        "import os\ndef f(x): os._exit(0)",
        "ok = True\ntry:\n    f(-1); ok = False\nexcept: pass\nassert ok",
        "crashed",
    ),
    "a time limit that is swallowed": (
        "def f(x):\n    while True: pass",
        "import contextlib\nok = True\nwith contextlib.suppress(BaseException):\n    f(-1); ok = False\nassert ok",
        "timeout",
    ),
    "text that shows itself for ever": (
        forged('["value",{"$":"query","v":0},[]]'),
        "assert str(f()) == '4'",
        "wrong_answer",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NOTHING_PASSES)
def test_nothing_passes(engine: DeepGym, name: str) -> None:
    code, test, status = NOTHING_PASSES[name]
    assert judged(engine, task(test, support="from math import *"), code) == [status]


def test_no_object_of_the_preludes_has_methods_of_its_own(engine: DeepGym) -> None:
    prelude = "class Node:\n    v = 1\n    def same(self, other): return self.v == other\n"
    test = "assert f().same(2)"
    assert judged(engine, task(test, prelude=prelude), "def f():\n    n = Node(); n.v = 2; return n") == ["passed"]
    code = "def f():\n    n = Node(); n.same = lambda other: True; return n"
    assert judged(engine, task(test, prelude=prelude), code) == ["tampered"]


REWRITES = "import sys\ntests = sys.modules['solution'].TESTS_\nfor name in tests: tests[name] = 'pass'"


@pytest.mark.parametrize(
    "code",
    [
        f"decode = exec\ndef f(x): return {REWRITES!r}",
        f"""
def f(x): pass
def decode(x): pass
NUMBERS = iter(range(-1, -400, -1))
def respond_(text, ask):
    if "decode" in text: return '["value",{{"$":"query","v":%d}},[]]' % next(NUMBERS)
    return sys.modules["runner.codec"].encode(["value", {REWRITES!r}, []])
import sys
""",
    ],
)
def test_no_text_runs_where_the_tests_do(engine: DeepGym, code: str) -> None:
    """Whatever of Python's own it hands over to be called with its text: later tests are what they were."""
    tests = ["try:\n    decode(f('abc'))\nexcept Exception: pass\nassert False"] * 60 + ["assert f(1) == 2"]
    assert "passed" not in judged(engine, task(*tests), code)


def test_what_may_do_harm_runs_there_when_a_test_passes_it(engine: DeepGym) -> None:
    """Called with text of the submission's, ``eval`` would be its way to the tests."""
    code = "def f(g, x):\n    import sys\n    return g('sys.modules[\"solution\"].f.__name__', {'sys': sys})"
    assert judged(engine, task("assert f(eval, 1) == 'f'"), code) == ["passed"]


def test_a_process_that_loads_once_only(engine: DeepGym) -> None:
    patient = task("assert f(1)", "assert f(1)").model_copy(update={"limits": Limits(wall_seconds=2.5)})
    code = "import time\nif time.time() > %r: raise SystemExit\ndef f(x):\n    time.sleep(60)" % (time.time() + 2.0)
    assert judged(engine, patient, code) == ["not_run", "not_run"]


def test_an_answer_within_a_query(engine: DeepGym) -> None:
    """It asks and answers at once; nothing is left waiting for either."""
    code = (
        SPEAKER
        + 'n = question()\nquery(\'["callback",0,[],{"$":"dict","v":[]}]\')\nanswer(n, \'["value",4,[]]\')\ntime.sleep(60)'
    )

    async def tasks_left() -> int:
        async with AsyncDeepGym(workers=1) as own:
            result = await own.run(task("assert f(lambda: 3) == 4"), code)
            assert [case.status for case in result.cases] == ["tampered"]
            await asyncio.sleep(0)
            gc.collect()
            return len(asyncio.all_tasks())

    assert asyncio.run(tasks_left()) == 1


def test_what_is_left_in_a_callback_costs_the_next_test_nothing(engine: DeepGym) -> None:
    tests = ["def g(): raise SystemExit\nf(g, 0)", "assert f(None, 2) == 2"]
    code = "def f(g, x):\n    while g: g()\n    return x"
    assert judged(engine, task(*tests), code) == ["wrong_answer", "passed"]


FLOODS = {
    "what it printed": ("while True: answer(question(), '[\"value\",4,[]]', b'x' * 1_900_000)", "output_limit"),
    "callbacks": (
        "while True: answer(question(), '[\"callback\",0,[\"' + 'x' * 1_900_000 + '\"],{\"$\":\"dict\",\"v\":[]}]')",
        "output_limit",
    ),
    "colliding hashes, in a query": ("question()\nsend(b'Q', bytes(4) + f'[{COLLIDING}]'.encode())\ntime.sleep(9)", "tampered"),
}  # fmt: skip


@pytest.mark.parametrize("name", FLOODS)
def test_floods(engine: DeepGym, name: str) -> None:
    """The engine's memory doesn't grow by what is sent, nor is it kept from its other work."""
    code, status = FLOODS[name]
    before = resource.getrusage(resource.RUSAGE_SELF)
    on = task("for _ in range(2000): f(lambda x: 3)\nassert f() == 5")
    on = on.model_copy(update={"limits": LIMITS.model_copy(update={"cpu_seconds": 5.0})})
    assert judged(engine, on, SPEAKER + code) == [status]
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert after.ru_maxrss - before.ru_maxrss < 100_000
    assert after.ru_utime - before.ru_utime < 3.0


ENDS: dict[str, tuple[str, Any]] = {
    "spins in a thread": (
        "import threading\ndef s():\n    while True: pass\ndef f(x):\n    threading.Thread(target=s).start()\n    return x",
        "passed",
    ),
    "leaves in a thread": (
        "import os, threading\ndef f(x):\n    threading.Timer(0.01, os._exit, [0]).start()\n    return x",
        ("passed", "crashed"),
    ),
    "closes the channel": ("import os\ndef f(x): os.close(3)", "crashed"),
    "answers by hand": ("import os\ndef f(x): os.write(3, bytes([9, 0, 0, 0]) + b'A' * 9)", "tampered"),
    "calls back for ever": ("def f(x):\n    while True: x(1)", ("wrong_answer", "timeout", "exception")),
}


@pytest.mark.parametrize("name", ENDS)
def test_nothing_is_left(engine: DeepGym, processes: Any, name: str) -> None:
    code, status = ENDS[name]
    engine.isolation()
    before = processes.below(os.getpid())
    found = judged(engine, task("assert f(1) == 1", "assert f(2) == 2"), code)
    assert set(found) <= ({status} if isinstance(status, str) else set(status))
    deadline = time.monotonic() + 5.0
    while processes.below(os.getpid()) != before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes.below(os.getpid()) == before
