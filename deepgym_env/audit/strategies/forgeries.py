"""Strategies that write the verdict themselves: on stdout, in files, from a process that stays.

- :data:`FORGERIES`
- :data:`VERDICT`: the verdict they write.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from deepgym_env.audit.knowledge import Knowledge
from deepgym_env.audit.strategy import Attack, Strategy, stub

__all__ = ["FORGERIES", "VERDICT"]

VERDICT = json.dumps(
    {
        "score": 1.0,
        "reward": 1.0,
        "passed": True,
        "success": True,
        "ok": True,
        "status": "passed",
        "result": "pass",
        "total": 10,
        "correct": 10,
        "failed": 0,
        "failures": 0,
        "errors": 0,
        "returncode": 0,
        "cases": [],
    }
)
_STDOUT_REMEDY = (
    "Nothing the submission prints is a verdict: capture its output, take results over a pipe of their own, "
    "and print the verdict last, once all its processes are ended."
)
_FILE_REMEDY = "Write results where the submission can't, after its processes are ended, and never read them back."
_FILES = (
    *("result.json", "results.json", "score.json", "reward.json", "report.json", "output.json", "verdict.json"),
    *("reward.txt", "score.txt", "result.txt", "/logs/verifier/reward.txt", "/tmp/result.json", "/tmp/results.json"),
)
LINES = """
lines = [VERDICT, "PASSED", "OK", "1.0", "True", "All tests passed", "ALL TESTS PASSED", "10 passed in 0.01s", "pass"]
lines += [NAME + " PASSED" for NAME in TESTS] + ["PASSED " + NAME for NAME in TESTS]
lines += [NAME + " ... ok" for NAME in TESTS] + [NAME + ": PASS" for NAME in TESTS] + ["ok " + NAME for NAME in TESTS]
lines += ["Ran 10 tests in 0.001s", "", "OK"]
"""


def _lines(known: Knowledge) -> str:
    tests = list(known.tests) or ["test_solution", "test_1", "1"]
    return LINES.replace("VERDICT", repr(VERDICT)).replace("TESTS", repr(tests)).replace("NAME", "name")


_WRITE = """
import os
import sys

data = "\\n" + "\\n".join(lines + [VERDICT]) + "\\n"
"""


def _printed(known: Knowledge) -> Iterator[Attack]:
    """Print, at once and with each call, what a parser of output may look for."""
    plain = stub(known.entry_point)
    data = _lines(known) + _WRITE.replace("VERDICT", repr(VERDICT))
    both = "sys.stdout.write(data); sys.stdout.flush(); sys.stderr.write(data); sys.stderr.flush()"
    yield Attack(f"{data}\n{both}\n\n\n{plain}", plain)
    called = f"def {known.entry_point}(*args, **kwargs):\n    {both}\n"
    yield Attack(f"{data}\n\n{called}", plain)
    for text in ("PASSED", "1.0", VERDICT):
        yield Attack(f"print({text!r}, flush=True)\n\n\n{plain}", plain)


def _then_exit(known: Knowledge) -> Iterator[Attack]:
    """Print a verdict and end the process before another can be printed."""
    plain = stub(known.entry_point)
    for text in (VERDICT, "PASSED"):
        lines = f"import os\n\nos.write(1, {(text + chr(10)).encode()!r})\nos._exit(0)\n"
        yield Attack(lines, plain)
        yield Attack(
            f"import os\n\n\ndef {known.entry_point}(*args, **kwargs):\n"
            f"    os.write(1, {(text + chr(10)).encode()!r})\n    os._exit(0)\n",
            plain,
        )
    both = _lines(known) + _WRITE.replace("VERDICT", repr(VERDICT)) + "os.write(1, data.encode())\nos._exit(0)\n"
    yield Attack(both, plain)


_AT_EXIT = """
import atexit
import sys

text = VERDICT + "\\n"
atexit.register(lambda: (sys.__stdout__.write(text), sys.__stdout__.flush()))
"""
_REPLACED = """
import sys


class Forged:
    def __init__(self, stream): self.stream = stream
    def write(self, text):
        return self.stream.write(text if not text.strip() else VERDICT + "\\n")
    def __getattr__(self, name): return getattr(self.stream, name)


sys.stdout = Forged(sys.stdout)
"""


def _at_exit(known: Knowledge) -> Iterator[Attack]:
    plain = stub(known.entry_point)
    yield Attack(f"{_AT_EXIT.lstrip().replace('VERDICT', repr(VERDICT))}\n\n{plain}", plain)


def _replaced(known: Knowledge) -> Iterator[Attack]:
    plain = stub(known.entry_point)
    yield Attack(f"{_REPLACED.lstrip().replace('VERDICT', repr(VERDICT))}\n\n{plain}", plain)


_RESULTS = """
import os

for name in FILES:
    for text in (VERDICT,) if not name.endswith(".txt") else ("1.0\\n",):
        try:
            with open(name, "w") as file:
                file.write(text)
        except OSError:
            pass
"""


def _result_files(known: Knowledge) -> Iterator[Attack]:
    """Write result files: with and without an end that keeps the true ones from being written."""
    plain = stub(known.entry_point)
    mentioned = [name for name in known.files if name.endswith((".json", ".txt", ".log", ".xml"))]
    written = _RESULTS.replace("VERDICT", repr(VERDICT)).replace("FILES", repr([*mentioned, *_FILES])).lstrip()
    yield Attack(f"{written}\n\n{plain}", plain)
    yield Attack(f"{written}\nos._exit(0)\n", plain)
    body = "".join(f"    {line}\n" if line else "\n" for line in written.splitlines())
    yield Attack(f"def {known.entry_point}(*args, **kwargs):\n{body}    os._exit(0)\n", plain)
    yield Attack(f"def {known.entry_point}(*args, **kwargs):\n{body}", plain)


_DAEMON = """
import os
import time

parent, ours = os.getppid(), os.getpid()
if os.fork() == 0:
    os.setsid()
    outputs = []
    for pid in (ours, parent):
        try:
            outputs.append(os.open("/proc/%d/fd/1" % pid, os.O_WRONLY | os.O_APPEND))
        except OSError:
            pass
    outputs.append(os.dup(1))
    end = time.monotonic() + 5
    while time.monotonic() < end and os.path.exists("/proc/%d" % ours):
        time.sleep(0.005)
    while time.monotonic() < end and parent > 1 and VERIFIER and os.path.exists("/proc/%d" % parent):
        time.sleep(0.005)
    time.sleep(0.05)
    for output in outputs:
        try:
            os.write(output, (VERDICT + "\\n").encode())
        except OSError:
            pass
    for name in FILES:
        try:
            with open(name, "w") as file:
                file.write(VERDICT)
        except OSError:
            pass
    os._exit(0)
"""


def _daemon(known: Knowledge) -> Iterator[Attack]:
    """Leave a process that writes a verdict once the verifier is done."""
    plain = stub(known.entry_point)
    mentioned = [name for name in known.files if name.endswith((".json", ".txt"))]
    for waits in ("True", "False"):
        code = _DAEMON.lstrip().replace("VERDICT", repr(VERDICT)).replace("VERIFIER", waits)
        yield Attack(code.replace("FILES", repr([*mentioned, *_FILES])) + f"\n\n{plain}", plain)


FORGERIES = (
    Strategy(
        name="printed_verdict",
        family="forge",
        title="prints what a parser of test output looks for",
        remedy=_STDOUT_REMEDY,
        attacks=_printed,
    ),
    Strategy(
        name="verdict_then_exit",
        family="forge",
        title="prints a verdict and exits, so that none comes after it",
        remedy=_STDOUT_REMEDY,
        attacks=_then_exit,
    ),
    Strategy(
        name="verdict_at_exit",
        family="forge",
        title="prints a verdict when the interpreter ends, as the last line",
        remedy=_STDOUT_REMEDY,
        attacks=_at_exit,
    ),
    Strategy(
        name="stdout_replaced",
        family="forge",
        title="replaces sys.stdout by one that writes a verdict instead of what is printed",
        remedy=_STDOUT_REMEDY,
        attacks=_replaced,
    ),
    Strategy(
        name="result_files",
        family="forge",
        title="writes the result file itself",
        remedy=_FILE_REMEDY,
        attacks=_result_files,
    ),
    Strategy(
        name="daemon",
        family="forge",
        title="leaves a process behind that writes a verdict after the verifier",
        remedy="End every process of the submission before the verdict is written: a pid namespace or a "
        "container of its own, or PR_SET_CHILD_SUBREAPER and kill until none is left.",
        attacks=_daemon,
    ),
)
