"""Strategies of programs that answer without computing: nothing, constants, public outputs by heart.

- :data:`PROGRAM_ANSWERS`
- :func:`by_heart`: a program that knows the public outputs; others are made of it, with :data:`SAY`.
- :func:`table_of`: the public outputs as such a program has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from deepgym_env.audit.knowledge import Knowledge
from deepgym_env.audit.strategy import Attack, Strategy

__all__ = ["PROGRAM_ANSWERS", "SAY", "by_heart", "raw", "table_of"]

SAY = "sys.stdout.buffer.write(answer)\nsys.stdout.buffer.flush()\n"
_CONSTANTS = ("YES", "NO", "Yes", "No", "yes", "no", "true", "false", "0", "1", "-1", "2", "0.0", "[]")
_NUMBERS = ("nan", "inf", "-inf", "1e999", "9" * 6000)
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")
_BALANCE = "Weigh the tests so that no output is right on many, and ask for several answers in one test."


def raw(text: str) -> bytes:
    """Return text as a program reads and writes it."""
    return text.encode("utf-8", "surrogatepass")


def table_of(known: Knowledge, change: Callable[[str], str] = lambda text: text) -> dict[bytes, bytes]:
    """Return the public outputs by what is read, each changed."""
    return {raw(run.stdin): raw(change(run.stdout)) for run in known.runs}


def by_heart(table: Mapping[bytes, bytes], body: str = SAY, other: bytes = b"") -> str:
    """Return a program that looks its ``answer`` up, and goes on with ``body``.

    Args:
        table: Outputs by what is read.
        body: What it does with the answer.
        other: The answer to everything else.
    """
    rows = "".join(f"    {stdin!r}: {stdout!r},\n" for stdin, stdout in table.items())
    lookup = f"given = sys.stdin.buffer.read()\nanswer = ANSWERS.get(given, {other!r})\n"
    return f"import os\nimport sys\n\nANSWERS = {{\n{rows}}}\n{lookup}{body}"


def _printing(text: str) -> Attack:
    return Attack(f"import sys\n\nsys.stdout.buffer.write({raw(text)!r})\n", answer=repr(text))


def _empty(known: Knowledge) -> Iterator[Attack]:
    yield from map(Attack, ("", "pass\n", "import sys\n\nsys.stdin.read()\n", "print()\n"))


def _constants(known: Knowledge) -> Iterator[Attack]:
    outputs = [run.stdout for run in known.runs]
    yield from map(_printing, dict.fromkeys([*(f"{text}\n" for text in _CONSTANTS), *outputs]))


def _memorised(known: Knowledge) -> Iterator[Attack]:
    if known.runs:
        yield Attack(by_heart(table_of(known)))


_COUNTED = """
import os
import sys

place = next(each for each in ("/tmp", ".", "/dev/shm") if os.access(each, os.W_OK))
with open(os.path.join(place, "runs"), "a+") as file:
    file.write("x")
    file.seek(0)
    number = len(file.read()) - 1
"""


def _in_turn(known: Knowledge) -> Iterator[Attack]:
    if known.runs:
        answers = [raw(run.stdout) for run in known.runs]
        yield Attack(f"{_COUNTED.lstrip()}ANSWERS = {answers!r}\nanswer = ANSWERS[number % len(ANSWERS)]\n{SAY}")


def _all_at_once(known: Knowledge) -> Iterator[Attack]:
    outputs = list(dict.fromkeys(run.stdout.rstrip("\n") for run in known.runs))
    numbers = [str(number) for number in range(-10, 1000)]
    public = [" ".join(outputs), "\n".join(outputs)] if len(outputs) > 1 else []
    yield from map(_printing, [*public, *map("\n".join, (["YES", "NO"], ["NO", "YES"], numbers))])


def _echoes(known: Knowledge) -> Iterator[Attack]:
    for part in ("given", "given.split(b'\\n')[0]", "given.rstrip().split(b'\\n')[-1]", "b''.join(given.split()[:1])"):
        yield Attack(f"import sys\n\ngiven = sys.stdin.buffer.read()\nsys.stdout.buffer.write({part})\n")


def _numeric(known: Knowledge) -> Iterator[Attack]:
    for text in _NUMBERS:
        yield from _shaped(known, text)


def _shapes(known: Knowledge) -> Iterator[Attack]:
    for text in ("0.0", "1000000.0"):
        yield from _shaped(known, text)
    for count in ("given.splitlines()", "given.splitlines()[1:]", "given.split()", "given.split()[1:]"):
        said = f"sys.stdout.buffer.write(b'0.0\\n' * len({count}))\n"
        yield Attack(f"import sys\n\ngiven = sys.stdin.buffer.read()\n{said}")


def _shaped(known: Knowledge, text: str) -> Iterator[Attack]:
    """Print one number, and public outputs with other numbers in them."""
    yield _printing(f"{text}\n")
    table = table_of(known, lambda right: _NUMBER.sub(text, right))
    for other in dict.fromkeys(table.values()):
        yield Attack(by_heart(table, other=other))


PROGRAM_ANSWERS = (
    Strategy(
        name="empty",
        family="empty",
        title="does nothing, or reads its input and prints nothing",
        remedy="Expect some output in every test, and accept no empty one as right as well.",
        attacks=_empty,
    ),
    Strategy(
        name="constants",
        family="hardcoded",
        title="prints the same whatever it reads",
        remedy=_BALANCE,
        attacks=_constants,
    ),
    Strategy(
        name="memorised_examples",
        family="hardcoded",
        title="knows the public outputs by heart and prints nothing else",
        remedy="Add hidden tests with other inputs.",
        attacks=_memorised,
    ),
    Strategy(
        name="examples_in_turn",
        family="hardcoded",
        title="counts its runs in a file and prints the public outputs one after the other",
        remedy="Start each run in a fresh copy of its folder, and add hidden tests with other inputs.",
        attacks=_in_turn,
    ),
    Strategy(
        name="all_answers_at_once",
        family="pattern",
        title="prints every output that may be right, one after the other",
        remedy="Compare the whole output; that it holds the right one somewhere proves nothing.",
        attacks=_all_at_once,
    ),
    Strategy(
        name="echoes_its_input",
        family="trivial",
        title="prints what it read, or a part of it",
        remedy="Add tests whose output differs from their input.",
        attacks=_echoes,
    ),
    Strategy(
        name="numeric_overflow",
        family="overflow",
        title="prints NaN, infinities or numbers of thousands of digits where numbers are expected",
        remedy="Take only finite numbers for numbers, and write comparisons so that NaN fails (`abs(a - b) <= tol`, "
        "never `not abs(a - b) > tol`).",
        attacks=_numeric,
    ),
    Strategy(
        name="numbers_by_shape",
        family="pattern",
        title="prints as many numbers as are expected, all the same",
        remedy="Narrow the tolerance (`rel_tol`, `abs_tol`) to what rounding takes; a relative one of 1 accepts 0.",
        attacks=_shapes,
    ),
)
