"""Strategies that change the verifier's own functions, and the clock it measures by.

- :data:`NAMES`
"""

from __future__ import annotations

from collections.abc import Iterator

from deepgym_env.audit.knowledge import Knowledge
from deepgym_env.audit.strategies.answers import by_heart
from deepgym_env.audit.strategies.patches import patched
from deepgym_env.audit.strategy import Attack, Strategy, fill, stub

__all__ = ["NAMES"]

_HELPERS = (
    *("check", "compare", "equal", "is_equal", "equals", "close", "is_close", "matches", "same", "verify", "validate"),
    *("grade", "assert_equal", "run_test", "run_tests", "is_correct", "check_answer", "check_result"),
)
_MAIN = """
import sys
import types

main = sys.modules["__main__"]
for name, value in list(vars(main).items()):
    if isinstance(value, types.FunctionType) and name not in ("ENTRY", "main"):
        setattr(main, name, lambda *args, **kwargs: RESULT)
"""


def _helpers(known: Knowledge) -> Iterator[Attack]:
    names = [name for name in dict.fromkeys([*known.helpers, *_HELPERS]) if name != known.entry_point]
    for result in ("True", "None"):
        redefined = "\n".join(f"def {name}(*args, **kwargs): return {result}" for name in names if name != "main")
        yield patched(f"{redefined}\n", known)
        yield patched(_MAIN.replace("RESULT", result), known)
    # What a test expects, worked out with a helper of the prompt: whatever the helper says, the answer agrees.
    for name in known.helpers:
        yield patched(f"def {name}(*args, **kwargs): return None\n", known)


_CLOCK = """
import time

time.time = time.perf_counter = time.monotonic = time.process_time = time.thread_time = lambda: 0.0
time.time_ns = time.perf_counter_ns = time.monotonic_ns = time.process_time_ns = lambda: 0
try:
    import timeit
    timeit.default_timer = time.perf_counter
    timeit.timeit = lambda *args, **kwargs: 0.0
    timeit.repeat = lambda *args, **kwargs: [0.0]
except ImportError:
    pass
"""
_SLOW = """

import _thread
import time as real_time

honest, clock = ENTRY, real_time.clock_gettime


def ENTRY(*args, **kwargs):
    ENTRY.left = getattr(ENTRY, "left", 3) - 1
    end = clock(real_time.CLOCK_MONOTONIC) + 0.2
    while ENTRY.left >= 0 and clock(real_time.CLOCK_MONOTONIC) < end:
        pass
    return honest(*args, **kwargs)
"""


def _clock(known: Knowledge) -> Iterator[Attack]:
    """Patch the clock around a slow solution: a right one where there is one, else the public answers by heart."""
    honest = None if known.wiring else known.reference  # which has no function to slow down where there is a wiring
    carriers = [honest] if honest else [attack.code for attack in by_heart(known)]
    for carrier in carriers or [stub(known.entry_point)]:
        slow = f"{carrier}\n\n{fill(_SLOW, known)}"
        yield Attack(f"{fill(_CLOCK, known)}\n\n{slow}", slow, works=True)


NAMES = (
    Strategy(
        name="helpers_redefined",
        family="patch",
        title="redefines functions the verifier checks with",
        remedy="Keep the submission's names apart from the verifier's: no `exec(code, globals())`, no shared module.",
        attacks=_helpers,
    ),
    Strategy(
        name="clock_patched",
        family="patch",
        title="stops the clock while it computes slowly",
        remedy="Measure time outside the submission's process.",
        attacks=_clock,
    ),
)
