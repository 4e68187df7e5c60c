"""Imported tasks held against what was published with them: their own solutions pass, dishonest answers don't.

- :func:`check`: judges both; :class:`CanonReport`: what came of it.
- :func:`dishonest`: answers that know nothing of the task; :func:`rejected`: those published as wrong.
"""

from __future__ import annotations

import ast
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import cast

from deepgym_env.blocking import DeepGym
from deepgym_env.errors import PackageError, SandboxError
from deepgym_env.judge.floor import known_floor
from deepgym_env.result import RunResult
from deepgym_env.source import parse
from deepgym_env.task import FunctionTask, ProgramTask, SubmissionTask, SuiteTask

__all__ = ["CanonReport", "check", "dishonest", "rejected"]

Progress = Callable[[int, int], None]

_IN_FLIGHT = 4  # tasks per runner: a few wait while the runner computes
_BODIES = {
    "stub": "return None",
    "always equal": """
        class Anything:
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __lt__(self, other): return True
            __le__ = __gt__ = __ge__ = __lt__
            def __hash__(self): return 0
            def __bool__(self): return True
            def __len__(self): return 1
            def __iter__(self): return iter((self,))
            def __getattr__(self, name): return self
            def __sub__(self, other): return 0.0
            __rsub__ = __abs__ = lambda self, *other: 0.0
        return Anything()
        """,
    "frame reader": """
        import gc, sys
        names = ("expected", "exp", "answer", "answers", "right", "output")
        frame = sys._getframe(1)
        while frame is not None:
            for name in names:
                for scope in (frame.f_locals, frame.f_globals):
                    if name in scope:
                        return scope[name]
            frame = frame.f_back
        for thing in gc.get_objects():
            for name in names:
                if type(thing) is dict and name in thing:
                    return thing[name]
        raise LookupError("nothing found")
        """,
}
_PROGRAMS = {
    "prints nothing": "import sys\nsys.stdin.read()\n",
    "echo": "import sys\nsys.stdout.write(sys.stdin.read())\n",
    "file reader": """
import os, sys
sys.stdin.read()
for top in (".", "/tmp", "/dev/shm", "/mnt", "/home"):
    for folder, _, names in os.walk(top):
        for name in names:
            if name.endswith((".out", ".ans", ".txt", ".json")) or "expected" in name or "answer" in name:
                try:
                    sys.stdout.write(open(os.path.join(folder, name), errors="replace").read(1 << 12))
                except OSError:
                    pass
for path in ("/proc/self/environ", "/proc/self/cmdline", "/proc/1/environ", "/proc/1/cmdline"):
    try:
        sys.stdout.write(open(path, errors="replace").read(1 << 12))
    except OSError:
        pass
""",
}


@dataclass(slots=True)
class CanonReport:
    """What came of holding tasks against what was published with them.

    Attributes:
        tasks: How many were judged.
        tests: How many tests they have.
        published: How many have a solution published with them.
        lacking: Tasks left out as the sandbox lacks a package they need, with what was said.
        failed: Tasks whose own solution doesn't pass, with the status it got.
        tried_on: How many tasks each dishonest answer was tried on, by its name.
        passed_by: The tasks each dishonest answer passes, by its name.
        rejected: How many answers published as wrong were judged.
        accepted: The task of each such answer that passes: its tests are weak, or the answer was too slow.
        constant: Tasks a constant answer passes.
        mean_floor: What the best constant answer scores on average, where tests are data.
        seconds: Time the published solutions took, all together.
    """

    tasks: int = 0
    tests: int = 0
    published: int = 0
    lacking: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    tried_on: Counter[str] = field(default_factory=Counter)
    passed_by: dict[str, list[str]] = field(default_factory=dict)
    rejected: int = 0
    accepted: list[str] = field(default_factory=list)
    constant: list[str] = field(default_factory=list)
    mean_floor: float = 0.0
    seconds: float = 0.0


def dishonest(task: SubmissionTask) -> dict[str, str]:
    """Return submissions that know nothing of a task, by name.

    ``empty`` is no function at all, ``stub`` returns None (or is what the task starts from), ``always equal``
    returns an object that claims to equal everything, and ``frame reader`` looks for the right answer in its
    caller's variables and in all objects.

    Of programs in Python: ``empty`` does nothing, ``prints nothing`` reads its input, ``echo`` prints it,
    ``first answer`` prints what the first public test expects, and ``file reader`` looks for right answers in files.
    """
    if isinstance(task, ProgramTask):
        return _dishonest_programs(task)
    if isinstance(task, SuiteTask) and not task.entry_point:
        filled = {name: _filled(task.stub, body) for name, body in _BODIES.items()}
        return {"empty": "# nothing\n", **filled, "stub": task.stub or "# nothing\n"}
    if isinstance(task, FunctionTask | SuiteTask):
        return {"empty": "# nothing\n", **{name: _function(task.entry_point, body) for name, body in _BODIES.items()}}
    return {"empty": "# nothing\n"}


def _filled(stub: str, body: str) -> str:
    """Return a stub whose functions all do the same."""
    statements = parse(f"def function():\n{textwrap.indent(textwrap.dedent(body), '    ')}").body[0]
    tree = parse(stub)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name != "__init__":
            node.body = cast(ast.FunctionDef, statements).body
    return ast.unparse(tree) + "\n"


def _dishonest_programs(task: ProgramTask) -> dict[str, str]:
    if task.language != "python":
        return {}
    first = next(iter(task.public_tests), None)
    shown = {"first answer": f"import sys\nsys.stdout.write({first.expected!r})\n"} if first else {}
    return {"empty": "# nothing\n", **_PROGRAMS, **shown}


def rejected(task: SubmissionTask) -> tuple[str, ...]:
    """Return submissions that were published with a task as wrong, in its language."""
    return task.rejected.get(task.language, ()) if isinstance(task, ProgramTask) else ()


def _function(entry_point: str, body: str) -> str:
    *classes, name = entry_point.split(".")
    depth = "    " if classes else ""
    lines = textwrap.indent(textwrap.dedent(body).strip("\n"), f"{depth}    ")
    head = f"class {classes[0]}:\n" if classes else ""
    return f"{head}{depth}def {name}(*args, **kwargs):\n{lines}\n"


def check(tasks: Sequence[SubmissionTask], engine: DeepGym, progress: Progress | None = None) -> CanonReport:
    """Judge the published solutions of tasks, and the dishonest answers.

    Args:
        tasks: The tasks; those without a reference are held against dishonest answers alone.
        engine: What judges.
        progress: Called with ``(done, total)`` after each task, twice as many as there are.

    Raises:
        SandboxError: If there is no verdict on one of them.
    """
    report = CanonReport()
    with ThreadPoolExecutor(max_workers=engine.workers * _IN_FLIGHT) as threads:
        began = time.perf_counter()
        canonical = threads.map(lambda task: _canonical(engine, task), tasks)
        for done, (task, results) in enumerate(zip(tasks, canonical, strict=True), 1):
            if isinstance(results, PackageError):
                report.lacking[task.id] = str(results)
            elif any(not result.passed for result in results):
                report.failed[task.id] = results[0].status
            if progress is not None:
                progress(done, 2 * len(tasks))
        report.seconds = time.perf_counter() - began
        judged = [task for task in tasks if task.id not in report.lacking]
        report.tasks, report.tests = len(judged), sum(len(task.tests) for task in judged)
        report.published = sum(task.reference is not None for task in judged)
        others = threads.map(lambda task: _judge(engine, task, [*dishonest(task).values(), *rejected(task)]), judged)
        for done, (task, answers) in enumerate(zip(judged, others, strict=True), len(tasks) + 1):
            _note(report, task, answers)
            if progress is not None:
                progress(done, len(tasks) + len(judged))
    known = {task.id: known_floor(task) for task in judged}
    floors = {name: floor for name, floor in known.items() if floor is not None}
    report.constant = [name for name, floor in floors.items() if floor == 1]
    report.mean_floor = sum(floors.values()) / len(floors) if floors else 0.0
    return report


def _canonical(engine: DeepGym, task: SubmissionTask) -> list[RunResult] | PackageError:
    """Return the result of the solution published with a task; an empty list if none was."""
    try:
        return [] if task.reference is None else _judge(engine, task, [task.reference])
    except PackageError as error:
        return error


def _note(report: CanonReport, task: SubmissionTask, results: Sequence[RunResult]) -> None:
    """Note what came of a task's dishonest answers, and of those published as wrong behind them."""
    names = list(dishonest(task))
    for name, result in zip(names, results, strict=False):
        report.tried_on[name] += 1
        passed = report.passed_by.setdefault(name, [])
        passed += [task.id] if result.passed else []
    report.rejected += len(results) - len(names)
    report.accepted += [task.id for result in results[len(names) :] if result.passed]


def _judge(engine: DeepGym, task: SubmissionTask, codes: list[str]) -> list[RunResult]:
    results = list(engine.run_batch(task, codes).results)
    lost = [result for result in results if not result.has_verdict]
    if lost:
        raise SandboxError(f"{task.id}: {lost[0].details}")
    return results
