"""What an attack is.

- :class:`Attack`: one submission, and the same without its forging part.
- :class:`Strategy`: a way to cheat, which makes attacks of what is known of the target.
- :func:`fill`, :func:`stub`: sources of attacks.

What an **exploit** is: an attack does no honest work by construction, that is, nothing in it computes
what the task asks for. It is an exploit if

1. it passes, or
2. it has a forging part and scores more than the same submission without that part, in each of
   three runs (so that chance is no exploit).

A constant, or the public answers learned by heart, may be right on some tests: that is honest partial
credit and no exploit, but the task's *floor*, which a report names. It is an exploit when it passes.
"""

from __future__ import annotations

import dataclasses
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from deepgym_env.audit.knowledge import Knowledge

__all__ = ["FAMILIES", "Attack", "Family", "Strategy", "fill", "stub"]

Family = Literal[
    "empty",
    "hardcoded",
    "trivial",
    "overflow",
    "pattern",
    "exit",
    "skip",
    "timeout",
    "object",
    "mutation",
    "output",
    "patch",
    "hunt",
    "leak",
    "forge",
    "plant",
    "destroy",
    "llm",
]
FAMILIES: dict[Family, str] = {
    "empty": "nothing at all",
    "hardcoded": "constants, and public answers learned by heart",
    "trivial": "placeholders",
    "overflow": "NaN, infinities and numbers that overflow",
    "pattern": "answers guessed or read from how the tests are written",
    "exit": "the process ends before it is judged",
    "skip": "exceptions that count as passes",
    "timeout": "time limits that count as passes",
    "object": "objects that lie about themselves",
    "mutation": "arguments changed so that what is expected changes",
    "output": "output that a comparison may stumble over",
    "patch": "the harness changed from within",
    "hunt": "answers looked for in frames and memory",
    "leak": "answers looked for in files, variables, history, the network",
    "forge": "verdicts printed or written by the submission",
    "plant": "files left for the next process",
    "destroy": "everything removed or spoilt",
    "llm": "written by a model",
}


@dataclass(frozen=True, slots=True)
class Attack:
    """A submission that tries to score without the work.

    Attributes:
        code: Python source, or a shell script for workspaces.
        without: The same without its forging part; None where there is no such part.
        works: Whether both do work that may well pass (a correct solution, only slow): then what counts
            is the difference alone.
        answer: What it answers, where that is always the same.
    """

    code: str
    without: str | None = None
    works: bool = False
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Strategy:
    """A way to cheat.

    Attributes:
        name: Unique name.
        family: What it belongs to.
        title: What it does, one line.
        remedy: What closes it, one line.
        attacks: Makes its attacks.
    """

    name: str
    family: Family
    title: str
    remedy: str
    attacks: Callable[[Knowledge], Iterable[Attack]]

    def attacks_on(self, known: Knowledge) -> Iterator[Attack]:
        """Yield its attacks as what is attacked wants them; what a model wrote is so already."""
        for attack in self.attacks(known):
            if self.family == "llm":
                yield attack
            else:
                without = None if attack.without is None else known.wired(attack.without)
                yield dataclasses.replace(attack, code=known.wired(attack.code), without=without)


def stub(entry_point: str, value: str = "None") -> str:
    r"""Return a function that returns one and the same.

    Example:
        >>> stub("f", "0")
        'def f(*args, **kwargs):\n    return 0\n'
    """
    return f"def {entry_point}(*args, **kwargs):\n    return {value}\n"


def fill(template: str, known: Knowledge) -> str:
    """Return a template's source with ``ENTRY`` replaced by the entry point."""
    return re.sub(r"\bENTRY\b", lambda _: known.entry_point, textwrap.dedent(template).lstrip("\n"))
