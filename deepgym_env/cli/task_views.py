"""How ``deepgym show`` presents each kind of task.

- :class:`TaskView`: one kind; :func:`view_of`: the one of a task. None shows a hidden test or a reference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from deepgym_env.cli.console import one_line, table
from deepgym_env.task import (
    AnyTask,
    AssertionTask,
    Call,
    Comparison,
    Limits,
    ProgramLimits,
    ProgramTask,
    ScriptTask,
    SessionLimits,
    StdioComparison,
    SuiteTask,
    Task,
    WorkspaceTask,
)

__all__ = ["TaskView", "view_of"]

_CALL_LIMIT = 300


@dataclass(frozen=True)
class TaskView:
    """One kind of task.

    Attributes:
        kind: Its name.
        data: Returns what JSON says of a task beyond what all have.
        facts: Returns the lines of its table of facts.
        public: Returns the table of its public tests.
    """

    kind: str
    data: Callable[[Any], dict[str, Any]]
    facts: Callable[[Any], list[tuple[str, str]]]
    public: Callable[[Any], Table]


def view_of(task: AnyTask) -> TaskView:
    """Return how a task is presented."""
    return next(view for made, view in _VIEWS.items() if isinstance(task, made))


# ── functions ─────────────────────────────────────────────────────────────────────────────


def _call_data(task: Task) -> dict[str, Any]:
    return {
        "entry_point": task.entry_point,
        "prelude": task.prelude,
        "comparison": task.comparison.model_dump(),
        "limits": task.limits.model_dump(),
        "public_tests": [
            {
                "id": test.id,
                "calls": [{"call": _call_text(task, call), "expected": repr(call.expected)} for call in test.calls],
            }
            for test in task.public_tests
        ],
    }


def _call_facts(task: Task) -> list[tuple[str, str]]:
    return [("comparison", _comparison_text(task.comparison)), ("limits", _limits_text(task.limits))]


def _call_table(task: Task) -> Table:
    grid = table("public test", "call", "expected")
    for test in task.public_tests:
        for number, call in enumerate(test.calls):
            texts = one_line(_call_text(task, call), _CALL_LIMIT), one_line(repr(call.expected), _CALL_LIMIT)
            grid.add_row("" if number else test.id, *map(Text, texts))
    return grid


def _assertion_data(task: AssertionTask) -> dict[str, Any]:
    return {
        "entry_point": task.entry_point,
        "prelude": task.prelude,
        "comparison": None,
        "limits": task.limits.model_dump(),
        "public_tests": [{"id": test.id, "code": test.code} for test in task.public_tests],
    }


def _assertion_facts(task: AssertionTask) -> list[tuple[str, str]]:
    return [("comparison", "the tests' own assertions decide"), ("limits", _limits_text(task.limits))]


def _assertion_table(task: AssertionTask) -> Table:
    grid = table("public test", "code")
    for test in task.public_tests:
        grid.add_row(test.id, Text(one_line(test.code, _CALL_LIMIT)))
    return grid


def _script_data(task: ScriptTask) -> dict[str, Any]:
    return {
        "language": task.language,
        "verifier_language": task.verifier_language,
        "limits": task.limits.model_dump(),
        "verifier_limits": task.verifier_limits.model_dump(),
        "public_tests": [{"id": test.id} for test in task.public_tests],
    }


def _script_facts(task: ScriptTask) -> list[tuple[str, str]]:
    return [
        ("answer in", task.language),
        ("judged by", f"a verifier in {task.verifier_language}"),
        ("limits", _limits_text(task.limits)),
    ]


def _script_table(task: ScriptTask) -> Table:
    grid = table("public test")
    for test in task.public_tests:
        grid.add_row(test.id)
    return grid


def _suite_data(task: SuiteTask) -> dict[str, Any]:
    return {
        "trust": task.trust,
        "framework": task.framework,
        "module": task.module,
        "entry_point": task.entry_point or None,
        "packages": list(task.packages),
        "stub": task.stub,
        "limits": task.limits.model_dump(),
        "public_tests": [{"id": test.id, "name": test.name} for test in task.public_tests],
    }


def _suite_facts(task: SuiteTask) -> list[tuple[str, str]]:
    return [
        ("trust", f"{task.trust}: tests and submission share a process, see docs/security.md"),
        ("tests", f"a suite of {task.framework}, which has the solution as `{task.module}`"),
        ("packages", ", ".join(task.packages) or "the standard library's"),
        ("limits", _limits_text(task.limits)),
    ]


def _suite_table(task: SuiteTask) -> Table:
    grid = table("public test", "in the suite")
    for test in task.public_tests:
        grid.add_row(test.id, Text(test.name))
    return grid


# ── programs ──────────────────────────────────────────────────────────────────────────────


def _program_data(task: ProgramTask) -> dict[str, Any]:
    return {
        "language": task.language,
        "comparison": task.comparison.model_dump(),
        "limits": task.limits.model_dump(),
        "public_tests": [{"id": test.id, "stdin": test.stdin, "expected": test.expected} for test in task.public_tests],
    }


def _program_facts(task: ProgramTask) -> list[tuple[str, str]]:
    return [
        ("language", task.language),
        ("comparison", _stdio_comparison_text(task.comparison)),
        ("limits", _program_limits_text(task.limits)),
    ]


def _program_table(task: ProgramTask) -> Table:
    grid = table("public test", "stdin", "expected stdout")
    for test in task.public_tests:
        grid.add_row(test.id, *map(Text, (one_line(text.strip(), _CALL_LIMIT) for text in (test.stdin, test.expected))))
    return grid


# ── workspaces ────────────────────────────────────────────────────────────────────────────


def _workspace_data(task: WorkspaceTask) -> dict[str, Any]:
    return {
        "files": [file.path for file in task.files],
        "max_turns": task.max_turns,
        "limits": task.limits.model_dump(),
        "public_tests": [{"id": test.id, "title": test.title} for test in task.public_tests],
    }


def _workspace_facts(task: WorkspaceTask) -> list[tuple[str, str]]:
    return [
        ("workspace", ", ".join(file.path for file in task.files) or "empty"),
        ("turns", f"at most {task.max_turns}"),
        ("limits", _session_limits_text(task.limits)),
    ]


def _workspace_table(task: WorkspaceTask) -> Table:
    grid = table("public test", "looks for")
    for test in task.public_tests:
        grid.add_row(test.id, Text(test.title))
    return grid


# ── texts ─────────────────────────────────────────────────────────────────────────────────


def _call_text(task: Task, call: Call) -> str:
    arguments = [repr(arg) for arg in call.args] + [f"{name}={arg!r}" for name, arg in call.kwargs.items()]
    return f"{task.entry_point}({', '.join(arguments)})"


def _comparison_text(how: Comparison) -> str:
    meaning = {
        "exact": "exact; types count, so True is not 1",
        "float": f"floats within {how.rel_tol:g} (relative) or {how.abs_tol:g} (absolute)",
        "unordered": f"lists in any order, {how.depth} level{'s' if how.depth > 1 else ''} deep",
        "any_of": "any of the values listed as expected",
        "equal": "as Python's == has it on plain data, so True is 1 but a tuple is no list",
        "close": f"the same, numbers within {how.rel_tol:g} (relative) or {how.abs_tol:g} (absolute)",
        "any_equal": "any of the values listed as expected, as Python's == has it",
        "checker": "the task's own checker decides",
    }
    return meaning[how.kind]


def _stdio_comparison_text(how: StdioComparison) -> str:
    meaning = {
        "lines": "line by line; white space at the end of a line and empty lines at the end don't count",
        "tokens": "word by word; white space between them doesn't count",
        "float": f"word by word, numbers within {how.rel_tol:g} (relative) or {how.abs_tol:g} (absolute)",
        "decimal": "line by line; numbers by their value",
    }
    return meaning[how.kind] + ("; in any case of letters" if how.ignore_case else "")


def _limits_text(limits: Limits) -> str:
    return (
        f"per test {limits.cpu_seconds:g} s CPU, {limits.wall_seconds:g} s waiting, {limits.memory_mb} MiB memory, "
        f"{_size(limits.output_bytes)} output, {limits.tmp_mb} MiB /tmp, {limits.threads} threads"
    )


def _program_limits_text(limits: ProgramLimits) -> str:
    return (
        f"per test {limits.cpu_seconds:g} s CPU, {limits.wall_seconds:g} s waiting, {limits.memory_mb} MiB memory, "
        f"{_size(limits.output_bytes)} output, {limits.disk_mb} MiB disk, {limits.processes} processes"
    )


def _session_limits_text(limits: SessionLimits) -> str:
    return (
        f"per command {limits.cpu_seconds:g} s CPU, {limits.wall_seconds:g} s waiting, {limits.memory_mb} MiB memory, "
        f"{limits.processes} processes; workspace {limits.disk_mb} MiB"
    )


def _size(count: int) -> str:
    return f"{count >> 20} MiB" if count % (1 << 20) == 0 else f"{count / 1024:g} KiB"


_VIEWS: dict[type, TaskView] = {
    Task: TaskView("function", _call_data, _call_facts, _call_table),
    AssertionTask: TaskView("function", _assertion_data, _assertion_facts, _assertion_table),
    ScriptTask: TaskView("script", _script_data, _script_facts, _script_table),
    ProgramTask: TaskView("program", _program_data, _program_facts, _program_table),
    SuiteTask: TaskView("suite", _suite_data, _suite_facts, _suite_table),
    WorkspaceTask: TaskView("workspace", _workspace_data, _workspace_facts, _workspace_table),
}
