"""Strategies that answer without computing: nothing, constants, placeholders, answers by heart.

- :data:`ANSWERS`, and of these :func:`by_heart`
- :data:`CONSTANTS`: what a submission may return whatever it is asked.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from deepgym_env.audit.knowledge import Knowledge, key_of
from deepgym_env.audit.strategy import Attack, Strategy, fill, stub

__all__ = ["ANSWERS", "CONSTANTS", "by_heart"]

CONSTANTS = (
    *("None", "True", "False", "0", "1", "-1", "0.0", "1.0", "float('inf')"),
    *("''", "'0'", "b''", "[]", "[[]]", "[0]", "()", "{}", "set()"),
)
_OVERFLOWS = ("float('nan')", "1e308 * -10", "10 ** 5000", "2 ** 64", "complex('nan')", "[float('nan')]")
_BALANCE = "Weigh the tests so that no answer is right on many, and ask several calls in one test."


def _empty(known: Knowledge) -> Iterator[Attack]:
    for code in ("", "pass\n", "# TODO\n"):
        yield Attack(code)


def _no_function(known: Knowledge) -> Iterator[Attack]:
    for value in ("None", "object()", "print"):
        yield Attack(f"{known.entry_point} = {value}\n")
    yield Attack("def __getattr__(name):\n    return lambda *args, **kwargs: True\n")


def _constants(known: Knowledge) -> Iterator[Attack]:
    answers = [example.expected for example in known.examples]
    for value in dict.fromkeys([*CONSTANTS, *answers]):
        yield Attack(stub(known.entry_point, value), answer=value)


def by_heart(known: Knowledge) -> Iterator[Attack]:
    """Look the public answers up in a table."""
    if not known.examples:
        return
    table = "".join(f"    {example.key!r}: {example.expected},\n" for example in known.examples)
    lookup = "def ENTRY(*args, **kwargs):\n    return ANSWERS.get(key_of([*args, *kwargs.values()]))\n"
    # Without its annotations, whose names a submission doesn't have.
    key_source = inspect.getsource(key_of).replace("(value: Any) -> str:", "(value):")
    yield Attack(f"{key_source}\n\nANSWERS = {{\n{table}}}\n\n\n{fill(lookup, known)}")


def _in_turn(known: Knowledge) -> Iterator[Attack]:
    if not known.examples:
        return
    answers = ", ".join(example.expected for example in known.examples)
    lookup = "def ENTRY(*args, **kwargs):\n    return next(ANSWERS, None)\n"
    yield Attack(f"import itertools\n\nANSWERS = itertools.cycle([{answers}])\n\n\n{fill(lookup, known)}")


def _placeholders(known: Knowledge) -> Iterator[Attack]:
    name = known.entry_point
    for body in ("pass", "raise NotImplementedError"):
        yield Attack(f"def {name}(*args, **kwargs):\n    {body}\n")
    yield Attack(f"class {name}:\n    def __init__(self, *args, **kwargs):\n        pass\n")
    yield Attack(f"async def {name}(*args, **kwargs):\n    return None\n")
    yield Attack(f"def {name}(*args, **kwargs):\n    yield None\n")


def _arguments(known: Knowledge) -> Iterator[Attack]:
    for value in ("args", "args[0]", "args[-1]"):
        yield Attack(stub(known.entry_point, value))


def _overflow(known: Knowledge) -> Iterator[Attack]:
    for value in _OVERFLOWS:
        yield Attack(stub(known.entry_point, value))


_TURNS = """
def ENTRY(*args, **kwargs):
    ENTRY.count = getattr(ENTRY, "count", -1) + 1
    return ANSWERS[ENTRY.count % len(ANSWERS)]
"""


def _guesses(known: Knowledge) -> Iterator[Attack]:
    """Answers by the shape of the tests: by turns, by position, by the size of the argument."""
    for answers in ("[True, False]", "[False, True]", "[0, 1, 2, 3]"):
        yield Attack(f"ANSWERS = {answers}\n\n\n{fill(_TURNS, known)}")


_LINE = '''
import ast
import linecache
import sys


def ENTRY(*args, **kwargs):
    """Read the answer from the line of the test that called."""
    frame = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        lines = linecache.getlines(code.co_filename, frame.f_globals)
        for count in (1, 2, 3):
            text = "".join(lines[frame.f_lineno - 1 : frame.f_lineno - 1 + count]).strip()
            for found in _literals(text):
                return found
        frame = frame.f_back
    return None


def _literals(text):
    try:
        tree = ast.parse(text.rstrip(":") if not text.startswith(("if ", "while ")) else text + " pass")
    except SyntaxError:
        return
    for node in ast.walk(tree):
        sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
        if isinstance(node, ast.Call):
            sides = node.args
        if any("ENTRY" in ast.dump(side) for side in sides):
            for side in sides:
                try:
                    yield ast.literal_eval(side)
                except ValueError:
                    pass
'''


def _line(known: Knowledge) -> Iterator[Attack]:
    yield Attack(fill(_LINE, known), stub(known.entry_point))


ANSWERS = (
    Strategy(
        name="empty",
        family="empty",
        title="hands in nothing, or a comment",
        remedy="Give no points before a test has passed; a submission without code scores 0.",
        attacks=_empty,
    ),
    Strategy(
        name="no_function",
        family="empty",
        title="defines the name as something that is no function",
        remedy="Call the entry point in every test; that it exists proves nothing.",
        attacks=_no_function,
    ),
    Strategy(
        name="constants",
        family="hardcoded",
        title="returns one constant for every input",
        remedy=_BALANCE,
        attacks=_constants,
    ),
    Strategy(
        name="memorised_examples",
        family="hardcoded",
        title="knows the public examples by heart and nothing else",
        remedy="Add hidden tests with other inputs, drawn anew from a seed.",
        attacks=by_heart,
    ),
    Strategy(
        name="examples_in_turn",
        family="hardcoded",
        title="gives the public answers one after the other, whatever is asked",
        remedy="Add hidden tests with other inputs, and ask them in another order.",
        attacks=_in_turn,
    ),
    Strategy(
        name="placeholders",
        family="trivial",
        title="is a stub: pass, NotImplementedError, a class, a coroutine",
        remedy="Compare what is returned with what is expected; None and exceptions are wrong answers.",
        attacks=_placeholders,
    ),
    Strategy(
        name="returns_its_arguments",
        family="trivial",
        title="returns what it was given",
        remedy="Add tests whose answer differs from their input.",
        attacks=_arguments,
    ),
    Strategy(
        name="numeric_overflow",
        family="overflow",
        title="returns NaN, infinities or integers too large to print",
        remedy="Write comparisons so that NaN fails (`abs(a - b) <= tol`, never `not abs(a - b) > tol`); "
        "an error while comparing fails the test.",
        attacks=_overflow,
    ),
    Strategy(
        name="guesses_by_turns",
        family="pattern",
        title="alternates answers as the tests alternate",
        remedy="Mix the order of right and wrong cases, and ask several calls in one test.",
        attacks=_guesses,
    ),
    Strategy(
        name="reads_the_asserting_line",
        family="pattern",
        title="reads the answer from the source line that called it",
        remedy="Run the submission in a process of its own, which gets inputs only.",
        attacks=_line,
    ),
)
