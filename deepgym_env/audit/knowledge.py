"""What an attacker knows of what it attacks, and no more.

- :class:`Example`: a call whose answer is public; :class:`ExampleRun`: a run of a program.
- :class:`Knowledge`: all of it.
- :func:`knowledge_of_task`, :func:`knowledge_of_program`, :func:`knowledge_of_workspace`: of a task, what its agent
  is told.
- :func:`key_of`: a call's arguments as text; its source also goes into submissions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from deepgym_env.task import FunctionTask, ProgramTask, Query, TestCase, WorkspaceTask

__all__ = [
    "RESPOND",
    "Example",
    "ExampleRun",
    "Knowledge",
    "key_of",
    "knowledge_of_program",
    "knowledge_of_task",
    "knowledge_of_workspace",
    "literal",
]

RESPOND = "respond"
"""What attacks call the function to write, where what is to be written is no function."""

_FILE_NAME = re.compile(r"(?<![\w/.-])((?:[\w-]+/)*(?:[\w-]{2,}\.[A-Za-z]|[\w-]+\.[A-Za-z]\w{1,4}))(?![\w/])")


@dataclass(frozen=True, slots=True)
class Example:
    """A public call: its key (:func:`key_of`) and the answer, as Python source."""

    key: str
    expected: str


@dataclass(frozen=True, slots=True)
class ExampleRun:
    """A public run of a program.

    Attributes:
        stdin: What it reads.
        stdout: What it should print.
        only: Whether no other output is right.
    """

    stdin: str
    stdout: str
    only: bool = True


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What an attacker knows.

    The tests themselves are no part of it: an attack has to find them where it runs.

    Attributes:
        entry_point: Name of the function to write; empty for workspaces. Where no plain function is to be
            written, one that ``wiring`` calls.
        prompt: What the agent reads.
        examples: Public calls with their answers.
        runs: Public runs of a program.
        files: Names of files that the prompt, or a verifier's source, mentions.
        helpers: Names of functions that a verifier's source defines or calls.
        tests: Names of tests in a verifier's source.
        reference: A correct solution where there is one: what attacks on the clock slow down.
        wiring: Source that makes a solution of a module with the function ``entry_point``: a class with it as
            a method, a program that calls it.
    """

    entry_point: str = ""
    prompt: str = ""
    examples: tuple[Example, ...] = ()
    runs: tuple[ExampleRun, ...] = ()
    files: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    reference: str | None = None
    wiring: str = ""

    def wired(self, code: str) -> str:
        r"""Return an attack's source with what makes a solution of its function, if it has one.

        Example:
            >>> Knowledge("f", wiring="print(f())\n").wired("def f(): return 1\n").splitlines()
            ['def f(): return 1', '', '', 'print(f())']
        """
        defines = re.search(rf"\b{self.entry_point}\b", code) is not None
        return f"{code.rstrip()}\n\n\n{self.wiring}" if self.wiring and defines else code


def knowledge_of_task(task: FunctionTask) -> Knowledge:
    """Return what the agent of a function task is told: prompt and public tests."""
    calls = [call for test in task.public_tests if isinstance(test, TestCase) for call in test.calls]
    answers = [(call, literal(call.expected)) for call in calls if not _asks(call.args)]
    *classes, name = task.entry_point.split(".")
    method = f"    def {name}(self, *args, **kwargs):\n        return {name}(*args, **kwargs)\n"
    return Knowledge(
        entry_point=name,
        prompt=task.prompt,
        examples=tuple(
            Example(key_of([*call.args, *call.kwargs.values()]), answer)
            for call, answer in answers
            if answer is not None
        ),
        reference=task.reference,
        wiring=f"class {classes[0]}:\n{method}" if classes else "",
    )


_PROGRAM = f"""
import sys

answer = {RESPOND}(sys.stdin.buffer.read().decode("utf-8", "replace"))
if answer is not None:
    print(answer)
"""


def knowledge_of_program(task: ProgramTask) -> Knowledge:
    """Return what the agent of a program task is told: prompt and public tests."""
    return Knowledge(
        entry_point=RESPOND,
        prompt=task.prompt,
        runs=tuple(ExampleRun(test.stdin, test.expected, not test.accepted) for test in task.public_tests),
        files=file_names(task.prompt),
        reference=task.reference,
        wiring=_PROGRAM.lstrip(),
    )


def knowledge_of_workspace(task: WorkspaceTask) -> Knowledge:
    """Return what the agent of a workspace task is told: its prompt."""
    return Knowledge(prompt=task.prompt, files=file_names(task.prompt))


def file_names(text: str) -> tuple[str, ...]:
    """Return what looks like a file's name in a text, in order.

    Example:
        >>> file_names("Write `out/report.json` and stats.py, e.g. as in https://example.org/a.html.")
        ('out/report.json', 'stats.py')
    """
    return tuple(dict.fromkeys(_FILE_NAME.findall(text)))


def literal(value: Any) -> str | None:
    """Return Python source that gives an equal value, or None where there is none.

    Example:
        >>> literal([1, float("inf")]), literal(object())
        ("[1, float('inf')]", None)
    """
    try:
        return _source(value)
    except (TypeError, ValueError, RecursionError):  # no source; too many digits; too deep
        return None


def _source(value: Any) -> str:
    """Return a plain value's source; what an object says of itself is anybody's text, and no source."""
    kind = type(value)
    if value is None or kind in (bool, int, str, bytes):
        return repr(value)
    if kind is float:
        return re.sub("inf|nan", r"float('\g<0>')", repr(value))
    if kind is complex:
        return f"complex({_source(value.real)}, {_source(value.imag)})"
    if kind is dict:
        return f"{{{', '.join(f'{_source(key)}: {_source(member)}' for key, member in value.items())}}}"
    if kind not in (list, tuple, set, frozenset):
        raise TypeError(f"no plain value: {kind.__name__}")
    members = ", ".join(map(_source, value))
    if kind is list:
        return f"[{members}]"
    if kind is tuple:
        return f"({members}{',' if len(value) == 1 else ''})"
    return f"{kind.__name__}({f'{{{members}}}' if value else ''})"


def key_of(value: Any) -> str:
    """Return a value as text, objects by their attributes.

    Example:
        >>> key_of([1, (2, "a")]) == key_of((1, [2, "a"]))
        True
    """
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(key_of, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(sorted(key_of(k) + ":" + key_of(v) for k, v in value.items())) + "}"
    if hasattr(value, "__dict__") and not callable(value):
        return type(value).__name__ + key_of(vars(value))
    return repr(value)


def _asks(args: tuple[Any, ...]) -> bool:
    return any(isinstance(arg, Query) for arg in args)
