"""Strategies that look for the answers, or change the verdict, in the verifier's own process.

- :data:`HUNTS`
- :data:`PARTNER`: source of what finds a case's answer in data.
"""

from __future__ import annotations

from collections.abc import Iterator

from deepgym_env.audit.knowledge import Knowledge
from deepgym_env.audit.strategy import Attack, Strategy, fill, stub

__all__ = ["HUNTS", "PARTNER"]

_MEMORY_REMEDY = "Keep expected values and oracles out of the process the submission runs in: it gets inputs only."
PARTNER = '''
def partner(data, args):
    """Return, in a list, what stands beside the arguments in some data: the expected value of their case."""
    texts = {repr(list(args)), repr(tuple(args))}
    if len(args) == 1:
        texts.add(repr(args[0]))
    todo, seen = [data], 0
    while todo and seen < 20000:
        value, seen = todo.pop(), seen + 1
        if isinstance(value, dict):
            named = [key for key in value if str(key) in ANSWER_NAMES]
            if named and any(repr(value[key]) in texts for key in value if key not in named):
                return [value[named[0]]]
            if named and all(any(repr(arg) == repr(each) for each in value.values()) for arg in args):
                return [value[named[0]]]
            for key, item in value.items():
                if repr(key) in texts:
                    return [item]
            todo += list(value.values())
        elif isinstance(value, (list, tuple)):
            for at in range(len(value) - 1):
                if repr(value[at]) in texts:
                    return [value[at + 1]]
            if len(value) == len(args) + 1 and repr(list(value[:-1])) in texts:
                return [value[-1]]
            todo += list(value)[:2000]
    return []


ANSWER_NAMES = ("expected", "want", "wanted", "output", "answer", "result", "target", "expect", "truth", "gold", "out")
'''
_FRAMES = '''
import sys


def ENTRY(*args, **kwargs):
    """Take the expected value out of a frame that called."""
    frame = sys._getframe(1)
    while frame is not None:
        for names in (frame.f_locals, frame.f_globals):
            for name in ANSWER_NAMES + ("exp", "correct", "y", "e"):
                if name in names and not callable(names[name]):
                    return names[name]
            for value in list(names.values()):
                if isinstance(value, (list, tuple, dict)):
                    for found in partner(value, args):
                        return found
        frame = frame.f_back
    return None
'''
_MEMORY = '''
import gc


def ENTRY(*args, **kwargs):
    """Search everything in memory for the case that is being asked."""
    for value in gc.get_objects():
        if type(value) in (list, dict, tuple) and 0 < len(value) < 5000 and value is not args:
            try:
                for found in partner(value, args):
                    return found
            except Exception:
                pass
    return None
'''
_ORACLE = '''
import copy
import re
import sys

WORDS = re.compile("ref|oracle|expect|correct|solution|solve|truth|brute|gold|answer|slow|naive|true", re.I)


def ENTRY(*args, **kwargs):
    """Call the verifier's own reference solution."""
    frame, spaces = sys._getframe(1), [vars(sys.modules["__main__"])]
    while frame is not None:
        spaces += [frame.f_globals, frame.f_locals]
        frame = frame.f_back
    for names in spaces:
        for name, value in list(names.items()):
            if callable(value) and WORDS.search(name) and value is not ENTRY and not isinstance(value, type):
                try:
                    return value(*copy.deepcopy(args), **copy.deepcopy(kwargs))
                except Exception:
                    pass
    return None
'''
_TRACE = '''
import sys

GOOD = ("ok", "passed", "success", "correct", "all_passed", "is_correct", "good", "right", "match", "equal")
BAD = ("failures", "failed", "errors", "wrong", "mistakes", "problems")
ANSWERS = ("expected", "want", "wanted", "answer", "target", "exp", "truth", "gold")


class Mark:
    pass


def forge(names, mark):
    for name, value in list(names.items()):
        if name.lower() in ANSWERS and not callable(value):
            names[name] = mark
        elif name.lower() in GOOD and isinstance(value, bool):
            names[name] = True
        elif name.lower() in ("score", "reward") and isinstance(value, (int, float)):
            names[name] = 1.0
        elif name.lower() in BAD:
            names[name] = [] if isinstance(value, list) else 0


def ENTRY(*args, **kwargs):
    """Rewrite the variables of whoever called, line by line."""
    mark = Mark()

    def tracer(frame, event, arg):
        forge(frame.f_locals, mark)
        return tracer

    sys.settrace(lambda *event: None)
    frame = sys._getframe(1)
    while frame is not None:
        frame.f_trace = tracer
        frame = frame.f_back
    return mark
'''


def _plain(template: str, known: Knowledge) -> Iterator[Attack]:
    yield Attack(f"{fill(PARTNER, known)}\n\n{fill(template, known)}", stub(known.entry_point))


def _frames(known: Knowledge) -> Iterator[Attack]:
    yield from _plain(_FRAMES, known)


def _memory(known: Knowledge) -> Iterator[Attack]:
    yield from _plain(_MEMORY, known)


def _oracle(known: Knowledge) -> Iterator[Attack]:
    yield Attack(fill(_ORACLE, known), stub(known.entry_point))


def _trace(known: Knowledge) -> Iterator[Attack]:
    yield Attack(fill(_TRACE, known), stub(known.entry_point))


HUNTS = (
    Strategy(
        name="frames",
        family="hunt",
        title="takes the expected value out of the frames that called it",
        remedy=_MEMORY_REMEDY,
        attacks=_frames,
    ),
    Strategy(
        name="memory",
        family="hunt",
        title="searches all objects in memory for the test's case",
        remedy=_MEMORY_REMEDY,
        attacks=_memory,
    ),
    Strategy(
        name="oracle_called",
        family="hunt",
        title="calls the verifier's own reference solution",
        remedy=_MEMORY_REMEDY,
        attacks=_oracle,
    ),
    Strategy(
        name="variables_rewritten",
        family="hunt",
        title="rewrites the verifier's variables with a trace function",
        remedy=_MEMORY_REMEDY,
        attacks=_trace,
    ),
)
