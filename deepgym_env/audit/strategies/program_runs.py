"""Strategies of programs that play on how they are run and how their output is read.

- :data:`PROGRAM_RUNS`

Most know the public outputs by heart, and are held against a program that knows these and does nothing else.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator

from deepgym_env.audit.knowledge import Knowledge
from deepgym_env.audit.strategies.forgeries import VERDICT
from deepgym_env.audit.strategies.leaks import reading
from deepgym_env.audit.strategies.program_answers import SAY, by_heart, table_of
from deepgym_env.audit.strategy import Attack, Strategy

__all__ = ["PROGRAM_RUNS"]

_COMPARE_REMEDY = "Compare the whole output, byte by byte; take for numbers only what is written in ASCII digits."
_END_REMEDY = "A run that is killed, fails or meets a limit has failed its test, whatever it printed."


def _playing(*bodies: str) -> Callable[[Knowledge], Iterator[Attack]]:
    """Return what makes attacks of bodies, each against the public outputs by heart."""

    def attacks(known: Knowledge) -> Iterator[Attack]:
        table = table_of(known)
        for body in bodies:
            yield Attack(by_heart(table, body), by_heart(table))

    return attacks


def _sole(known: Knowledge, holding: str) -> Knowledge:
    """Return the public runs with one right output that matches: what is printed instead of it is wrong."""
    return Knowledge(runs=tuple(run for run in known.runs if run.only and re.search(holding, run.stdout)))


_AFTERWARDS = (
    "raise RuntimeError('done')\n",
    "sys.exit(1)\n",
    "os.abort()\n",
    "os.kill(os.getpid(), 9)\n",
)
_PARENT = (
    "os.kill(os.getppid(), 9)\n",
    "import signal\n\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nos.killpg(0, signal.SIGTERM)\n",
    "os.kill(-1, 9)\n",
)


def _partial(known: Knowledge) -> Iterator[Attack]:
    """Print a public output without its last words, then end at once."""
    several = _sole(known, r"\S\s+\S")
    for kept in (r"\s+\S+\s*\Z", r"(?s)(?<=\S)\s.*\Z"):
        table = table_of(several, functools.partial(re.sub, kept, ""))
        if table:
            yield Attack(by_heart(table, f"{SAY}os._exit(0)\n"), by_heart({}))


_MARKS = (b"\0", b"\x1a", b"\r", b"\x1b[2K\r", b"\b" * 4)


def _control(known: Knowledge) -> Iterator[Attack]:
    """Print a wrong word, and characters that may hide it; against the wrong word without them."""
    table = table_of(_sole(known, r"\S"))
    for mark in _MARKS if table else ():
        for said in (f"b'junk' + {mark!r} + answer", f"answer.rstrip() + {mark!r} + b'junk\\n'"):
            without = said.replace(f"{mark!r} + ", "")
            code, twin = (by_heart(table, SAY.replace("answer", each)) for each in (said, without))
            yield Attack(code, twin)


_DIGITS = [str.maketrans("0123456789", digits) for digits in ("０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗")]
_SHIFTED = str.maketrans("0123456789", "1234567890")


def _lookalikes(known: Knowledge) -> Iterator[Attack]:
    """Print right numbers in a writing that is none; against wrong ones in the usual."""
    runs = _sole(known, "[0-9]")
    wrong = by_heart(table_of(runs, lambda text: text.translate(_SHIFTED)))
    for digits in _DIGITS if runs.runs else ():
        yield Attack(by_heart(table_of(runs, functools.partial(_translated, digits))), wrong)
    long = _sole(known, "[0-9]{2}")
    if long.runs:
        wrong = by_heart(table_of(long, lambda text: text.translate(_SHIFTED)))
        yield Attack(by_heart(table_of(long, lambda text: re.sub("(?<=[0-9])(?=[0-9])", "_", text))), wrong)


def _translated(digits: dict[int, int], text: str) -> str:
    return text.translate(digits)


_LATE = """
import time

if os.fork():
    os._exit(0)
SETSID
time.sleep(0.1)
"""
_DESCRIPTORS = """
for descriptor in range(3, 64):
    for text in (answer, VERDICT):
        try:
            os.write(descriptor, text)
        except OSError:
            pass
for path in ("/proc/%d/fd/1" % os.getppid(), "/proc/1/fd/1", "/dev/tty", "/dev/console"):
    try:
        with open(path, "wb", buffering=0) as file:
            file.write(VERDICT)
    except OSError:
        pass
"""
_PAIRS = '''
import os
import sys

given = sys.stdin.buffer.read()
ENDINGS = (".out", ".ans", ".a", ".sol", ".expected", ".output", ".answer")
PLACES = (".", "/tmp", "/tests", "/data", "/workspace", "/box", "/mnt", "/dev/shm")


def holds_it(path):
    try:
        if os.path.getsize(path) != len(given):
            return False
        with open(path, "rb") as file:
            return file.read() == given
    except OSError:
        return False


def outputs():
    """Yield what lies beside a file that holds the input."""
    for place in PLACES:
        for folder, folders, names in os.walk(place):
            folders[:] = folders[:20]
            for path in (os.path.join(folder, name) for name in names[:500]):
                if os.path.isfile(path) and holds_it(path):
                    stem = os.path.splitext(path)[0]
                    for other in [stem + end for end in ENDINGS] + [path + end for end in ENDINGS]:
                        if os.path.exists(other):
                            with open(other, "rb") as file:
                                yield file.read()


sys.stdout.buffer.write(next(outputs(), b""))
'''
_PROCESSES = '''
def ENTRY(given):
    """Read the answer from what other processes have: arguments, variables, open files."""
    for pid in [each for each in os.listdir("/proc") if each.isdigit()]:
        folder = "/proc/" + pid
        paths = [os.path.join(folder, name) for name in ("cmdline", "environ")]
        try:
            paths += [os.path.join(folder, "fd", name) for name in os.listdir(folder + "/fd") if int(name) > 2]
        except OSError:
            pass
        for path in paths:
            try:
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        parts = file.read(1 << 20).split(b"\\0")
                    for part in parts:
                        part = part.partition(b"=")[2] if path.endswith("environ") else part
                        for found in from_text("", part, (given,)):
                            return found
            except Exception:
                pass
    return None
'''


def _outputs_on_disk(known: Knowledge) -> Iterator[Attack]:
    yield Attack(_PAIRS.lstrip(), by_heart({}))


def _processes(known: Knowledge) -> Iterator[Attack]:
    yield from reading(_PROCESSES, known)


PROGRAM_RUNS = (
    Strategy(
        name="crash_after_output",
        family="exit",
        title="prints a public output, or nothing, and crashes",
        remedy=_END_REMEDY,
        attacks=_playing(*(f"{SAY}{ending}" for ending in _AFTERWARDS)),
    ),
    Strategy(
        name="partial_output",
        family="exit",
        title="prints the first words of a public output and ends with code 0",
        remedy="Compare the whole output; what is missing at its end is wrong.",
        attacks=_partial,
    ),
    Strategy(
        name="kills_its_parent",
        family="exit",
        title="kills the process that started it, or all it can",
        remedy="Run it in a pid namespace or a container of its own; a run that is lost is no verdict, and none in "
        "its favour.",
        attacks=_playing(*(f"{SAY}{ending}" for ending in _PARENT)),
    ),
    Strategy(
        name="endless_loop",
        family="timeout",
        title="prints a public output, or nothing, and computes for ever",
        remedy=_END_REMEDY,
        attacks=_playing(f"{SAY}while True:\n    pass\n"),
    ),
    Strategy(
        name="sleeps",
        family="timeout",
        title="prints a public output, or nothing, and sleeps for ever",
        remedy=f"{_END_REMEDY} Limit waiting as well as computing.",
        attacks=_playing(f"{SAY}import time\n\ntime.sleep(3600)\n"),
    ),
    Strategy(
        name="endless_output",
        family="output",
        title="prints without end",
        remedy="Limit what a run may print; one that prints more has failed its test.",
        attacks=_playing(f"{SAY}while True:\n    sys.stdout.buffer.write(b'YES\\nNO\\n' * 4096)\n"),
    ),
    Strategy(
        name="whitespace_flood",
        family="output",
        title="prints a great deal of white space, and nothing else on hidden tests",
        remedy="Compare with what is expected also where the output is blank.",
        attacks=_playing(
            *(f"sys.stdout.buffer.write({text} * 60_000)\n{SAY}" for text in (r"b' \n'", r"b'\t'", r"b'\r\n'"))
        ),
    ),
    Strategy(
        name="control_characters",
        family="output",
        title="prints a wrong word with NULs, carriage returns, backspaces or terminal codes that hide it",
        remedy=_COMPARE_REMEDY,
        attacks=_control,
    ),
    Strategy(
        name="lookalike_digits",
        family="output",
        title="prints numbers in other digits than 0 to 9, or with underscores",
        remedy=_COMPARE_REMEDY,
        attacks=_lookalikes,
    ),
    Strategy(
        name="late_output",
        family="forge",
        title="ends, and has a process in the background print",
        remedy="End every process of the run with the program, and take no output after it.",
        attacks=_playing(*(_LATE.lstrip().replace("SETSID\n", line) + SAY for line in ("", "os.setsid()\n"))),
    ),
    Strategy(
        name="other_descriptors",
        family="forge",
        title="writes an answer and a verdict to every descriptor there may be",
        remedy="Start it with descriptors 0, 1 and 2 and no others.",
        attacks=_playing(SAY + _DESCRIPTORS.lstrip().replace("VERDICT", repr(f"{VERDICT}\n".encode()))),
    ),
    Strategy(
        name="outputs_on_disk",
        family="leak",
        title="looks for a file with its input, and prints the output beside it",
        remedy="Run it where neither inputs nor outputs of the tests lie; give it its input by standard input alone.",
        attacks=_outputs_on_disk,
    ),
    Strategy(
        name="answers_in_processes",
        family="leak",
        title="reads arguments, variables and open files of all processes",
        remedy="Run it in a pid namespace of its own, and pass it nothing but inputs.",
        attacks=_processes,
    ),
)
