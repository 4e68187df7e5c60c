"""What the importers of programming contests share.

- :data:`LIMITS`: what a program of a benchmark that gives no limits may use; :func:`limits_for`: the same, with
  room for what its tests expect.
- :func:`stdio_tests`: tests of the pairs a file has (:func:`pairs_of`); :func:`unique`: each input once;
  :func:`is_shown`: whether the prompt has them.
- :func:`first_python`: the first of several solutions that is Python 3.
- :func:`right_values`: what an answer that is a list may be.
- :func:`read_json`, :func:`mapping`: JSON as these files have it; :func:`name_of`: a part of a task's id.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from deepgym_env.benchmarks.conversion import NotData
from deepgym_env.source import parse
from deepgym_env.task import Comparison, ProgramLimits, StdioTest

__all__ = [
    "LIMITS",
    "first_python",
    "is_shown",
    "limits_for",
    "mapping",
    "name_of",
    "pairs_of",
    "read_json",
    "right_values",
    "stdio_tests",
    "unique",
]

# Six seconds is what LiveCodeBench's and four what APPS' own harness gives a test, on a clock.
# Little output: all that a program writes in all its runs is held at once.
LIMITS = ProgramLimits(cpu_seconds=6.0, wall_seconds=10.0, memory_mb=1024, output_bytes=1 << 16)
_MOST_OUTPUT = 1 << 25  # bytes: as ProgramLimits has it
_LONG = 4000  # digits: what int() of a text refuses
_OTHER = re.compile(r"[^A-Za-z0-9_]+")


def limits_for(tests: Iterable[StdioTest], limits: ProgramLimits = LIMITS) -> ProgramLimits:
    """Return limits under which a program may write twice what any of its tests expects.

    Raises:
        NotData: If that is more than a program may ever write.
    """
    longest = max(len(test.expected.encode("utf-8", "surrogatepass")) for test in tests)
    if longest > _MOST_OUTPUT:
        raise NotData(f"a test of it expects {longest >> 20} MiB of output, which is more than a program may write")
    return limits.model_copy(update={"output_bytes": max(limits.output_bytes, min(2 * longest, _MOST_OUTPUT))})


def pairs_of(inputs: Any, outputs: Any) -> list[tuple[Any, Any]]:
    """Return inputs with their outputs.

    Raises:
        NotData: If they are no lists of one length, or there are none.
    """
    if not isinstance(inputs, list | tuple) or not isinstance(outputs, list | tuple):
        raise NotData("its inputs and outputs are no lists")
    if len(inputs) != len(outputs):
        raise NotData(f"it has {len(inputs)} inputs and {len(outputs)} outputs")
    return list(zip(inputs, outputs, strict=True))


def stdio_tests(
    name: str, pairs: Iterable[tuple[Any, Any]], *, public: bool = False, prompt: str | None = None
) -> list[StdioTest]:
    """Return tests ``name_0``, ``name_1`` ...

    Args:
        name: What their ids begin with.
        pairs: Input and output, each a text, or a list of lines.
        public: Whether the agent may see them.
        prompt: Those that stand in it are public too.

    Raises:
        NotData: If an input or output is neither.
    """
    tests = []
    for number, (given, expected) in enumerate(pairs):
        stdin, right = _text(given), _text(expected)
        shown = public or (prompt is not None and is_shown(prompt, stdin, right))
        tests.append(StdioTest(id=f"{name}_{number}", stdin=stdin, expected=right, public=shown))
    return tests


def _text(value: Any) -> str:
    """Return a text, or the lines of one put together, as APPS has some."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "\n".join(value)
    raise NotData(f"an input or output of it is neither text nor lines but {type(value).__name__}")


def is_shown(prompt: str, *texts: str) -> bool:
    r"""Return whether a prompt shows all of some texts as lines of its own, white space aside.

    Example:
        >>> is_shown("Sample Input\n1 2\n\nSample Output\n3", "1 2\n", "3\n"), is_shown("Print 13.", "1", "3")
        (True, False)
    """
    shown = _lines(prompt)
    return all(text.strip() and _lines(text) in shown for text in texts)


def _lines(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n" + "\n".join(line for line in lines if line) + "\n"


def unique(tests: Iterable[StdioTest]) -> tuple[StdioTest, ...]:
    """Return tests without those that ask what one before them asks, the public first.

    Raises:
        NotData: If there are none.
    """
    found: dict[str, StdioTest] = {}
    for test in sorted(tests, key=lambda test: not test.public):
        found.setdefault(test.stdin, test)
    if not found:
        raise NotData("it has no tests")
    return tuple(found.values())


def first_python(codes: Iterable[str]) -> str | None:
    """Return the first source that is Python 3; None if none is.

    Example:
        >>> first_python(["print 1", "print(1)"])
        'print(1)'
    """
    return next((code for code in codes if code.strip() and _is_python(code)), None)


def _is_python(code: str) -> bool:
    try:
        parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def right_values(*values: Any) -> tuple[Any, Comparison]:
    """Return how answers are held against values any of which is right, a tuple being as good as a list.

    Example:
        >>> right_values([1, 2])[0], right_values(3)[0]
        ([[1, 2], (1, 2)], 3)
    """
    options: list[Any] = []
    for value in values:
        options.append(value)
        if isinstance(value, list):
            options.append(tuple(value))
            if value and all(isinstance(item, list) for item in value):
                inner = [tuple(item) for item in value]
                options += [inner, tuple(inner)]
    if len(options) == 1:
        return options[0], Comparison(kind="equal")
    return options, Comparison(kind="any_equal")


def read_json(text: str) -> Any:
    """Return what JSON says, whole numbers of any length included.

    Raises:
        NotData: If it is none.
    """
    try:
        return json.loads(text, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise NotData(f"a field of it is no JSON: {error}") from error


def _whole(digits: str) -> int:
    return int(digits) if len(digits) < _LONG else int(Decimal(digits))


def name_of(text: Any) -> str:
    """Return a text as a part of a task's id.

    Raises:
        NotData: If nothing of it can be.

    Example:
        >>> name_of("1575_A. Another Sorting Problem")
        '1575_A-Another-Sorting-Problem'
    """
    name = _OTHER.sub("-", str(text)).strip("-")
    if not name:
        raise NotData(f"its name {text!r} has no letter an id may have")
    return name


def mapping(value: Any, what: str) -> Mapping[str, Any]:
    """Return a value that should be an object.

    Raises:
        NotData: If it is none.
    """
    if not isinstance(value, Mapping):
        raise NotData(f"its {what} is no object but {type(value).__name__}")
    return value
