"""Imported tasks held against what was published with them: their own solutions pass, dishonest answers don't.

- :func:`check`: judges both; :class:`CanonReport`: what came of it.
- :func:`dishonest`: answers that know nothing of the task.
"""

from __future__ import annotations

import ast
import textwrap
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import cast

from deepgym_env.blocking import DeepGym
from deepgym_env.errors import PackageError, SandboxError
from deepgym_env.judge.floor import floor_of
from deepgym_env.result import RunResult
from deepgym_env.task import FunctionTask, SubmissionTask, SuiteTask, Task

__all__ = ["CanonReport", "check", "dishonest"]

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


@dataclass(slots=True)
class CanonReport:
    """What came of holding tasks against what was published with them.

    Attributes:
        tasks: How many were judged.
        tests: How many tests they have.
        lacking: Tasks left out as the sandbox lacks a package they need, with what was said.
        failed: Tasks whose own solution doesn't pass, with the status it got.
        passed_by: The tasks each dishonest answer passes, by its name.
        constant: Tasks a constant answer passes.
        mean_floor: What the best constant answer scores on average, where tests are data.
        seconds: Time the published solutions took, all together.
    """

    tasks: int = 0
    tests: int = 0
    lacking: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    passed_by: dict[str, list[str]] = field(default_factory=dict)
    constant: list[str] = field(default_factory=list)
    mean_floor: float = 0.0
    seconds: float = 0.0


def dishonest(task: SubmissionTask) -> dict[str, str]:
    """Return submissions that know nothing of a task, by name.

    ``empty`` is no function at all, ``stub`` returns None (or is what the task starts from), ``always equal``
    returns an object that claims to equal everything, and ``frame reader`` looks for the right answer in its
    caller's variables and in all objects.
    """
    if isinstance(task, SuiteTask) and not task.entry_point:
        filled = {name: _filled(task.stub, body) for name, body in _BODIES.items()}
        return {"empty": "# nothing\n", **filled, "stub": task.stub or "# nothing\n"}
    if isinstance(task, FunctionTask | SuiteTask):
        return {"empty": "# nothing\n", **{name: _function(task.entry_point, body) for name, body in _BODIES.items()}}
    return {"empty": "# nothing\n"}


def _filled(stub: str, body: str) -> str:
    """Return a stub whose functions all do the same."""
    statements = ast.parse(f"def function():\n{textwrap.indent(textwrap.dedent(body), '    ')}").body[0]
    tree = ast.parse(stub)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name != "__init__":
            node.body = cast(ast.FunctionDef, statements).body
    return ast.unparse(tree) + "\n"


def _function(entry_point: str, body: str) -> str:
    *classes, name = entry_point.split(".")
    depth = "    " if classes else ""
    lines = textwrap.indent(textwrap.dedent(body).strip("\n"), f"{depth}    ")
    head = f"class {classes[0]}:\n" if classes else ""
    return f"{head}{depth}def {name}(*args, **kwargs):\n{lines}\n"


def check(tasks: Sequence[SubmissionTask], engine: DeepGym, progress: Progress | None = None) -> CanonReport:
    """Judge the published solutions of tasks, and the dishonest answers.

    Args:
        tasks: The tasks; each has a reference.
        engine: What judges.
        progress: Called with ``(done, total)`` after each task, twice as many as there are.

    Raises:
        SandboxError: If there is no verdict on one of them.
    """
    report = CanonReport()
    with ThreadPoolExecutor(max_workers=engine.workers * _IN_FLIGHT) as threads:
        began = time.perf_counter()
        canonical = threads.map(lambda task: _canonical(engine, task), tasks)
        for done, (task, result) in enumerate(zip(tasks, canonical, strict=True), 1):
            if isinstance(result, PackageError):
                report.lacking[task.id] = str(result)
            elif not result.passed:
                report.failed[task.id] = result.status
            if progress is not None:
                progress(done, 2 * len(tasks))
        report.seconds = time.perf_counter() - began
        judged = [task for task in tasks if task.id not in report.lacking]
        report.tasks, report.tests = len(judged), sum(len(task.tests) for task in judged)
        others = threads.map(lambda task: _judge(engine, task, list(dishonest(task).values())), judged)
        for done, (task, results) in enumerate(zip(judged, others, strict=True), len(tasks) + 1):
            for name, result in zip(dishonest(task), results, strict=True):
                passed = report.passed_by.setdefault(name, [])
                passed += [task.id] if result.passed else []
            if progress is not None:
                progress(done, len(tasks) + len(judged))
    floors = {task.id: floor_of(task) for task in tasks if isinstance(task, Task)}
    report.constant = [name for name, floor in floors.items() if floor == 1]
    report.mean_floor = sum(floors.values()) / len(floors) if floors else 0.0
    return report


def _canonical(engine: DeepGym, task: SubmissionTask) -> RunResult | PackageError:
    try:
        return _judge(engine, task, [task.reference or ""])[0]
    except PackageError as error:
        return error


def _judge(engine: DeepGym, task: SubmissionTask, codes: list[str]) -> list[RunResult]:
    results = list(engine.run_batch(task, codes).results)
    lost = [result for result in results if not result.has_verdict]
    if lost:
        raise SandboxError(f"{task.id}: {lost[0].details}")
    return results
