"""One table of submissions with the verdict each gets, wherever it runs.

Every entry is judged by :data:`TASK`: two public and two hidden tests of ``f(n) == 2 * n``, unless it has a
task of its own. ``statuses`` are those of the four tests, in order.
"""

from __future__ import annotations

from dataclasses import dataclass

from deepgym_env import Call, Limits, Task, TestCase

LIMITS = Limits(cpu_seconds=1.0, wall_seconds=2.0, memory_mb=96, output_bytes=65_536, tmp_mb=4, threads=32)
TASK = Task(
    id="double",
    title="Double",
    prompt="Write f.",
    entry_point="f",
    limits=LIMITS,
    tests=tuple(TestCase(id=f"t{n}", calls=(Call(args=(n,), expected=2 * n),), public=n < 2) for n in range(4)),
)
GOOD = "def f(n): return 2 * n\n"
ALL = ("passed",) * 4


@dataclass(frozen=True)
class Submission:
    """Code, and what comes of it."""

    name: str
    code: str
    statuses: tuple[str, ...]
    status: str = ""  # of the run; by default that of the first test that failed

    @property
    def expected(self) -> str:
        return self.status or next((status for status in self.statuses if status != "passed"), "passed")


def _all(status: str) -> tuple[str, ...]:
    return (status,) * 4


def _at(number: int, action: str, status: str, imports: str = "") -> tuple[str, tuple[str, ...]]:
    """Return code that misbehaves in one test, and the statuses."""
    lines = "\n".join("        " + line for line in action.splitlines())
    code = f"{imports}\ndef f(n):\n    if n == {number}:\n{lines}\n    return 2 * n\n"
    return code, tuple(status if n == number else "passed" for n in range(4))


SUBMISSIONS = (
    # honest
    Submission("right", GOOD, ALL),
    Submission("fenced", f"Here it is:\n```python\n{GOOD}```\n", ALL),
    Submission("lambda", "f = lambda n: n + n", ALL),
    Submission("class", "class F:\n    def __call__(self, n): return n * 2\nf = F()", ALL),
    Submission("prints", "def f(n):\n    print('hi', n)\n    return 2 * n", ALL),
    Submission("reads_nothing", "import sys\n" + GOOD, ALL),
    Submission(
        "thread",
        "import threading\ndef f(n):\n    r = []\n    t = threading.Thread(target=lambda: r.append(2 * n))\n"
        "    t.start(); t.join()\n    return r[0]",
        ALL,
    ),
    Submission(
        "threads_at_once",  # their stacks are all they reserve of the 96 MiB: no arenas, as luck would have it
        "import threading\ndef f(n):\n    r, go = [], threading.Event()\n"
        "    def work(): x = [bytes(1000) for _ in range(100)]; go.wait(); r.append(len(x) // 100)\n"
        "    threads = [threading.Thread(target=work) for _ in range(8)]\n    for t in threads: t.start()\n"
        "    go.set()\n    for t in threads: t.join()\n    return 2 * n if sum(r) == 8 else r",
        ALL,
    ),
    Submission(
        "tempfile",
        "import tempfile\ndef f(n):\n    with tempfile.TemporaryFile('w+') as t:\n"
        "        t.write(str(2 * n)); t.seek(0)\n        return int(t.read())",
        ALL,
    ),
    Submission("absolute_tmp", "def f(n):\n    open('/tmp/x', 'a').write('.')\n    return 2 * n", ALL),
    Submission(
        "fresh_tmp", "import os\nseen = os.listdir('/tmp')\ndef f(n): return 2 * n if seen == [] else seen", ALL
    ),
    Submission(
        "asyncio",
        "import asyncio\nasync def g(n):\n    await asyncio.sleep(0)\n    return 2 * n\n"
        "def f(n): return asyncio.run(g(n))",
        ALL,
    ),
    Submission(
        "sqlite",
        "import sqlite3\ndef f(n): return sqlite3.connect(':memory:').execute('select 2 * ?', (n,)).fetchone()[0]",
        ALL,
    ),
    Submission("numpy", "import numpy as np\ndef f(n): return int(np.array([n, n]).sum())", ALL),
    Submission("recursion", "def f(n): return 0 if n == 0 else 2 + f(n - 1)", ALL),
    Submission("hash_order", "def f(n): return 2 * n if list({'a', 'b', 'c'}) == list({'a', 'b', 'c'}) else 0", ALL),
    # wrong
    Submission("constant", "def f(n): return 2", ("wrong_answer", "passed", "wrong_answer", "wrong_answer")),
    Submission("float", "def f(n): return 2.0 * n", _all("wrong_answer")),
    Submission("none", "def f(n): pass", _all("wrong_answer")),
    Submission(
        "equal_to_all", "class E:\n    def __eq__(self, o): return True\ndef f(n): return E()", _all("wrong_answer")
    ),
    Submission("subclass_of_int", "class I(int): pass\ndef f(n): return I(2 * n)", _all("wrong_answer")),
    Submission("set_order", "def f(n): return list({'a', 'b', str(n)})", _all("wrong_answer")),
    Submission("random", "import random\ndef f(n): return random.random()", _all("wrong_answer")),
    # each status
    Submission("raises", *_at(1, "raise ValueError('no')", "exception")),
    Submission("raises_in_hidden", *_at(3, "raise ValueError(n)", "exception")),
    Submission("raises_base", *_at(1, "raise SystemExit", "exception")),
    Submission("deep", *_at(1, "return f(n)", "exception")),
    Submission("unencodable", *_at(1, "return f", "exception")),
    Submission("no_function", "g = 1", _all("not_run"), "exception"),
    Submission("import_error", "import no_such_module", _all("not_run"), "exception"),
    Submission("syntax", "def f(n) return 2 * n", _all("not_run"), "syntax_error"),
    Submission("empty", "", _all("not_run"), "no_code"),
    Submission("loops", *_at(1, "while True: pass", "timeout")),
    Submission("sleeps", *_at(1, "time.sleep(60)", "timeout", "import time")),
    Submission(
        "waits_for_itself", *_at(1, "l = threading.Lock(); l.acquire(); l.acquire()", "timeout", "import threading")
    ),
    Submission("much_memory", *_at(1, "x = bytearray(1 << 30)", "memory_limit")),
    Submission("big_answer", *_at(1, "return 'x' * 1_000_000", "output_limit")),
    Submission("prints_much", *_at(1, "print('x' * 1_000_000)", "output_limit")),
    Submission("exits", *_at(1, "os._exit(0)", "crashed", "import os")),
    Submission("dies", *_at(1, "ctypes.string_at(0)", "crashed", "import ctypes")),
    Submission("full_tmp", *_at(1, "open('/tmp/x', 'wb').write(b'x' * (8 << 20))", "exception")),
    # what is not there
    Submission(
        "subprocess", *_at(1, "return subprocess.run(['/bin/true']).returncode", "exception", "import subprocess")
    ),
    Submission("fork", *_at(1, "return os.fork()", "exception", "import os")),
    Submission("socket", *_at(1, "socket.create_connection(('127.0.0.1', 80))", "exception", "import socket")),
    Submission("host_file", *_at(1, "return open('/etc/shadow').read()", "exception")),
    Submission("proc", *_at(1, "return open('/proc/self/status').read()", "exception")),
    Submission("write_root", *_at(1, "open('/x', 'w')", "exception")),
    Submission(
        "signal_to_others",
        *_at(
            1,
            "try: os.kill(1 if os.getpid() != 1 else 2, 9)\nexcept OSError: raise ValueError",
            "exception",
            "import os",
        ),
    ),
    Submission(
        "ptrace",
        *_at(1, "ctypes.CDLL(None).ptrace(0, 0, 0, 0)", "forbidden", "import ctypes"),
    ),
    # forgeries
    Submission(
        "garbage",
        "import os\nos.write(3, (20).to_bytes(4, 'little') + b'A' * 20)\n" + GOOD,
        _all("tampered"),
    ),
    Submission("endless_frame", "import os\nos.write(3, b'A' * 64)\n" + GOOD, _all("not_run"), "output_limit"),
    Submission("close", "import os\nos.close(3)\n" + GOOD, _all("not_run"), "crashed"),
    Submission("closes_later", *_at(1, "os.closerange(0, 64)", "crashed", "import os")),
)
