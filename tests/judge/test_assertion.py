"""Test code that others wrote: it runs in one process, the submission in another, and data crosses."""

from __future__ import annotations

import pytest

from deepgym_env import AssertionTask, CodeTest, DeepGym, Limits
from deepgym_env.envs import CodingEnv

LIMITS = Limits(cpu_seconds=0.4, wall_seconds=0.6, memory_mb=64, output_bytes=65_536)


def task(*tests: str, support: str = "", prelude: str = "", public: bool = True, **limits: object) -> AssertionTask:
    return AssertionTask(
        id="toy",
        title="Toy",
        prompt="Write f.",
        entry_point="f",
        support=support,
        prelude=prelude,
        limits=LIMITS.model_copy(update=limits),
        tests=tuple(CodeTest(id=f"t{n}", code=code, public=public) for n, code in enumerate(tests)),
    )


def statuses(engine: DeepGym, on: AssertionTask, code: str) -> list[str]:
    result = engine.run(on, code)
    assert result.has_verdict, result.details
    assert result.timing.attempts == 1
    return [case.status for case in result.cases]


CROSSINGS = {
    "values": ("def f(*a, **k): return [a, k]", "assert f(1, 'ä', b=[None, 2.5]) == [(1, 'ä'), {'b': [None, 2.5]}]"),
    "candidate": ("def f(x): return x + 1", "assert candidate(1) == 2"),
    "python equality": ("def f(): return 1.0", "assert f() == 1 and f() == True"),
    "tolerance": ("def f(): return 0.1 + 0.2", "assert abs(f() - 0.3) < 1e-9"),
    "order of dicts": ("def f(d): return list(d)", "assert f({'b': 1, 'a': 2}) == ['b', 'a']"),
    "order of dicts back": ("def f(): return {'b': 1, 'a': 2}", "assert list(f()) == ['b', 'a']"),
    "large numbers": ("def f(x): return x * x", "assert f(10**40) == 10**80"),
    "sets": ("def f(x): return x | {3}", "assert f({1, 2}) == {1, 2, 3}"),
    "named tuple": (
        "from collections import namedtuple\ndef f(): return namedtuple('P', 'a b')(1, 2)",
        "assert f() == (1, 2)",
    ),
    "int subclass": ("class I(int): pass\ndef f(): return I(4)", "assert f() == 4"),
    "numpy": ("import numpy as np\ndef f(): return np.int64(3), np.float64(0.5)", "assert f() == (3, 0.5)"),
    "changed list": ("def f(x): x.sort()", "a = [3, 1]; b = a\nassert f(a) is None and b == [1, 3]"),
    "changed within": (
        "def f(x): x[0].append(5); x.append(6)",
        "i = []; a = [i]\nf(a)\nassert i == [5] and a == [[5], 6]",
    ),
    "changed dict": ("def f(x): x['k'] = 1; del x['j']", "a = {'j': 0}\nf(a)\nassert a == {'k': 1}"),
    "changed keyword": ("def f(x): x.clear()", "a = {1}\nf(x=a)\nassert a == set()"),
    "exception": (
        "def f(): raise ValueError('no', 3)",
        "try:\n    f()\n    assert False\nexcept ValueError as e:\n    assert e.args == ('no', 3)",
    ),
    "exception of its own": (
        "class E(KeyError): pass\ndef f(): raise E('x')",
        "try:\n    f()\n    assert False\nexcept KeyError:\n    pass",
    ),
    "callback": ("def f(g, x): return g(x) + 1", "assert f(lambda x: x * 10, 4) == 41"),
    "callback that raises": (
        "def f(g):\n    try:\n        g()\n    finally:\n        pass",
        "def g(): raise LookupError('mine')\ntry:\n    f(g)\n    assert False\nexcept LookupError as e:\n    assert str(e) == 'mine'",
    ),
    "callback that is caught": (
        "def f(g):\n    try: g()\n    except Exception: return 'caught'",
        "def g(): raise LookupError\nassert f(g) == 'caught'",
    ),
    "callback that calls back": (
        "def f(g, n): return 0 if n == 0 else g(n)",
        "assert f(lambda n: 1 + f(None, 0), 3) == 1",
    ),
    "its own function as argument": ("def f(g, x): return g(x)\ndef h(x): return -x", "assert f(h, 2) == -2"),
    "types": ("def f(x, t): return type(x) if isinstance(x, t) else None", "assert f(1, int) is int"),
    "built-in functions": ("def f(g, x): return g(x)", "assert f(len, 'abc') == 3 and f(sorted, [2, 1]) == [1, 2]"),
    "generator": ("def f(n):\n    yield from range(n)", "assert list(f(3)) == [0, 1, 2] and next(iter(f(1))) == 0"),
    "class": (
        "class Node:\n    def __init__(self, v): self.v = v; self.left = None\ndef f(n): return n.v + (n.left.v if n.left else 0)",
        "n = Node(1)\nn.left = Node(2)\nassert f(n) == 3 and n.left.v == 2",
    ),
    "container of its own": (
        "class Box:\n    def __len__(self): return 2\n    def __getitem__(self, k): return k * 2\n"
        "    def __contains__(self, k): return k == 1\ndef f(): return Box()",
        "b = f()\nassert len(b) == 2 and b[4] == 8 and 1 in b and 3 not in b",
    ),
    "decimal": (
        "from decimal import Decimal\ndef f(x): return [x * 2, Decimal('1.10')]",
        "from decimal import Decimal\nassert f(Decimal('1.5')) == [3, Decimal('1.1')]",
    ),
    "fraction": (
        "from fractions import Fraction\ndef f(x): return x + Fraction(1, 3)",
        "from fractions import Fraction\nassert f(Fraction(1, 3)) == Fraction(2, 3)",
    ),
    "date and time": (
        "def f(a, b): return [a, a - b, a.tzinfo, a.date(), a.time()]",
        "import datetime as dt\na = dt.datetime(2024, 2, 29, 1, 2, 3, 4, dt.timezone(dt.timedelta(hours=2)))\n"
        "assert f(a, a) == [a, dt.timedelta(0), a.tzinfo, a.date(), a.time()]",
    ),
    "changed in a tuple": ("def f(t): t[0].append(1)", "t = ([],)\nf(t)\nassert t == ([1],)"),
    "changed deque": (
        "def f(d): d.rotate(1)",
        "from collections import deque\nd = deque([1, 2])\nf(d)\nassert d == deque([2, 1])",
    ),
    "much to take": ("def f(x): return len(x)", "assert f(list(range(170_000))) == 170_000"),
    "a name that a function of the test uses for itself": (
        "class Node:\n    def __init__(self, v): self.v = v\ndef f(n): return n.v",
        "def build(Node): return 3\nassert build(1) == 3 and f(Node(5)) == 5",
    ),
    "unittest": (
        "def f(x): return x * 2",
        "import unittest\nt = unittest.TestCase()\nt.assertEqual(f(2), 4)\nt.assertAlmostEqual(f(0.1), 0.2)\n"
        "with t.assertRaises(TypeError): f()",
    ),
    "data of the module": ("LIMIT = 7\ndef f(): pass", "assert LIMIT == 7"),
}


@pytest.mark.parametrize("name", CROSSINGS)
def test_what_crosses(engine: DeepGym, name: str) -> None:
    code, test = CROSSINGS[name]
    assert statuses(engine, task(test), code) == ["passed"]


def test_classes_of_the_prelude_cross_as_they_are(engine: DeepGym) -> None:
    prelude = "class Node:\n    def __init__(self, v, n=None): self.v, self.n = v, n\n"
    test = "r = f(Node(1, Node(2)))\nassert type(r) is Node and (r.v, r.n.v) == (2, 1)"
    assert statuses(engine, task(test, prelude=prelude), "def f(n): return Node(n.n.v, Node(n.v))") == ["passed"]


def test_objects_of_the_prelude_are_changed_in_the_test(engine: DeepGym) -> None:
    prelude = "class Node:\n    def __init__(self, v, n=None): self.v, self.n = v, n\n"
    test = "n = Node(1, Node(2)); m = n.n\nf(n)\nassert (n.v, m.v) == (9, 8)"
    assert statuses(engine, task(test, prelude=prelude), "def f(n): n.v, n.n.v = 9, 8") == ["passed"]


def test_an_answer_as_large_as_the_task_allows(engine: DeepGym) -> None:
    on = task("assert len(f()) == 300_000", output_bytes=1 << 22, memory_mb=256)
    assert statuses(engine, on, "def f(): return list(range(300_000))") == ["passed"]


FAILURES = {
    "wrong": ("def f(): return 2", "assert f() == 1", "wrong_answer"),
    "of a wrong type": ("def f(): return None", "assert f() < 3", "wrong_answer"),
    "raises": ("def f(): raise ValueError('x')", "assert f()", "exception"),
    "exits": ("def f(): raise SystemExit(0)", "assert f()", "exception"),
    "skips": ("import unittest\ndef f(): raise unittest.SkipTest", "assert f()", "exception"),
    "interrupts": ("def f(): raise KeyboardInterrupt", "assert f()", "exception"),
    "stops iteration": ("def f(): raise StopIteration", "for _ in [1]: f()", "exception"),
    "leaves": ("import os\ndef f(): os._exit(0)", "assert f()", "crashed"),
    "spins": ("def f():\n    while True: pass", "assert f()", "timeout"),
    "spins in many calls": ("def f():\n    for _ in range(10**5): pass", "for _ in range(10**4): f()\nassert 1 + f()", "timeout"),
    "sleeps": ("import time\ndef f(): time.sleep(60)", "assert f()", "timeout"),
    "eats": ("def f(): return len(bytearray(1 << 30))", "assert f()", "memory_limit"),
    "answers much": ("def f(): return 'x' * 10**6", "assert f()", "output_limit"),
    "prints much": ("def f(): print('x' * 10**6)", "assert f() is None", "output_limit"),
    "equal to all": ("class E:\n    def __eq__(s, o): return True\ndef f(): return E()", "assert f() == 3", "wrong_answer"),
    "equal to all, an int": ("class E(int):\n    def __eq__(s, o): return True\ndef f(): return E(1)", "assert f() == 3", "wrong_answer"),
    "equal from the left": ("class E:\n    def __eq__(s, o): return True\ndef f(): return E()", "assert 3 == f()", "wrong_answer"),
    "true by itself": ("class E: pass\ndef f(): return E()", "assert f()", "wrong_answer"),
    "answers to everything": (
        "class E:\n    def __getattr__(s, n): return lambda *a: E()\n    def __len__(s): return 3\ndef f(): return E()",
        "assert f().size().value == 3",
        "wrong_answer",
    ),
    "passes what can't cross": ("def f(x): return 1", "class A: pass\nassert f(A()) == 1", "wrong_answer"),
    "forbidden": ("import ctypes\ndef f(): ctypes.CDLL(None).ptrace(0, 0, 0, 0)", "assert f()", "forbidden"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_what_fails_fails_alone(engine: DeepGym, name: str) -> None:
    """The tests before and after it have a verdict of their own, though it may have ended the process."""
    code, test, status = FAILURES[name]
    more = "def also(): return 5\n" + code
    assert statuses(engine, task("assert also() == 5", test, "assert also() == 5"), more) == [
        "passed",
        status,
        "passed",
    ]


@pytest.mark.parametrize(
    ("code", "status", "of_tests"),
    [
        ("def f( return 1", "syntax_error", "not_run"),
        ("g = 1", "exception", "not_run"),
        ("raise ValueError", "exception", "not_run"),
        ("import os\nos._exit(0)", "crashed", "not_run"),
        ("while True: pass", "timeout", "not_run"),
        ("import os\ndef f(): os.write(3, bytes([9, 0, 0, 0]) + b'A' * 9); return 1", "tampered", "tampered"),
        ("import os\nos.write(3, bytes([9, 0, 0, 0]) + b'L' * 9)\ndef f(): return 1", "tampered", "tampered"),
    ],
)
def test_what_ends_the_run(engine: DeepGym, code: str, status: str, of_tests: str) -> None:
    result = engine.run(task("assert f() == 1", "assert f() == 1"), code)
    assert result.status == status
    assert [case.status for case in result.cases] == [of_tests] * 2


def test_too_many_tests_that_end_the_process(engine: DeepGym) -> None:
    code = "import os\ndef f(x):\n    if x < 4: os._exit(1)\n    return x"
    tests = [f"assert f({n}) == {n}" for n in (0, 1, 2, 3, 4)]
    assert statuses(engine, task(*tests), code) == ["crashed", "crashed", "crashed", "not_run", "not_run"]


def test_no_line_of_a_test_is_in_the_submissions_process(engine: DeepGym) -> None:
    """It looks through every object and frame it can reach for the expected value."""
    code = """
import gc, sys
def f():
    seen = []
    frame = sys._getframe()
    while frame:
        seen += [*frame.f_locals.values(), *frame.f_globals.values()]
        frame = frame.f_back
    seen += gc.get_objects()
    found = [s for s in seen if isinstance(s, str) and "41f" + "7c0" in s and "getframe" not in s]
    return found[0] if found else None
"""
    assert statuses(engine, task("assert f() == 'expected 41f7c0'"), code) == ["wrong_answer"]


def test_helpers_of_the_prompt_are_the_tests_own(engine: DeepGym) -> None:
    support = "import math\ndef helper(x):\n    return math.floor(x)\ndef f(x):\n    'a stub'\n"
    code = "def helper(x): return 99\ndef f(x): return 99"
    assert statuses(engine, task("assert f(2.5) == helper(2.5)", support=support), code) == ["wrong_answer"]
    assert statuses(engine, task("assert f(2.5) == helper(2.5)", support=support), "def f(x): return 2") == ["passed"]


def test_state_of_the_submission_lasts_and_that_of_a_test_does_not(engine: DeepGym) -> None:
    code = "n = 0\ndef f():\n    global n\n    n += 1\n    return n"
    tests = ("seen = []\nassert f() == 1", "assert 'seen' not in globals()\nassert f() == 2")
    assert statuses(engine, task(*tests), code) == ["passed", "passed"]


def test_random_tests_are_the_same_every_time(engine: DeepGym) -> None:
    test = "import random\nassert f(random.random(), random.randint(0, 9)) is None"
    code = "def f(*a): raise ValueError(a)"
    first = engine.run(task(test), code)
    assert first.cases[0].error.startswith("ValueError: (0.")
    assert engine.run(task(test), code) == first


def test_what_is_shown_of_public_tests_only(engine: DeepGym) -> None:
    code = "def f(x):\n    print('got', x)\n    return [x]"
    shown = engine.run(task("assert f(3) == 4"), code).cases[0]
    assert (shown.input_summary, shown.output_summary, shown.stdout) == ("assert f(3) == 4", "[3]", "got 3\n")
    assert shown.error == "the assertion does not hold"
    hidden = engine.run(task("assert f(3) == 4", public=False), code).cases[0]
    assert (hidden.input_summary, hidden.output_summary, hidden.stdout, hidden.error) == ("", "", "", "")


def test_a_batch_keeps_every_submission_to_itself(engine: DeepGym) -> None:
    on = task(*(f"assert f({n}) == {n}" for n in range(4)))
    batch = engine.run_batch(on, [f"def f(x): return x if x < {n % 5} else -1  # {n}" for n in range(40)])
    assert [result.score for result in batch] == [(n % 5) / 4 for n in range(40)]


def test_an_episode(engine: DeepGym) -> None:
    env = CodingEnv(task("assert f(1) == 2", "assert f(2) == 4"), engine=engine)
    prompt, _ = env.reset(seed=0)
    assert prompt == "Write f."
    observation, reward, terminated, _, _ = env.step("def f(x): return 2")
    assert reward.tolist() == [1.0, 0.0]
    assert "assert f(2) == 4" in observation
    _, reward, terminated, _, info = env.step("def f(x): return 2 * x")
    env.close()
    assert terminated
    assert reward.tolist() == [0.0, 1.0]
    assert [test["status"] for test in info["tests"]] == ["passed", "passed"]


def test_tests_are_checked_when_the_task_is_made() -> None:
    with pytest.raises(ValueError, match="test 't0' is not valid Python"):
        task("assert f( == 1")
    with pytest.raises(ValueError, match="support is not valid Python"):
        task("assert f()", support="def")
