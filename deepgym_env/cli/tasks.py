"""``deepgym list`` and ``deepgym show``: what tasks there are, and one of them in full."""

from __future__ import annotations

import difflib
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepgym_env.catalog import gym_id
from deepgym_env.cli.console import note, one_line, print_json, stdout, table, visible
from deepgym_env.cli.inputs import JsonOption, TaskArgument, examples, resolve_task
from deepgym_env.errors import ConfigError
from deepgym_env.task import (
    AnyTask,
    AssertionTask,
    Call,
    CodeTest,
    Comparison,
    FunctionTask,
    Limits,
    SessionLimits,
    Task,
    TestCase,
    WorkspaceTask,
)

if TYPE_CHECKING:
    from deepgym_env.catalog import Kind


__all__ = ["LIST_EXAMPLES", "SHOW_EXAMPLES", "Difficulty", "list_tasks", "show"]

LIST_EXAMPLES = examples(
    "deepgym list", "deepgym list --difficulty hard", "deepgym list --tag dynamic-programming --json"
)
SHOW_EXAMPLES = examples("deepgym show coin_change", "deepgym show ./my_task", "deepgym show coin_change --json")

_TEXT_WIDTH = 100
_CALL_LIMIT = 300


class Difficulty(str, Enum):
    """Difficulties, as choices."""

    easy = "easy"
    medium = "medium"
    hard = "hard"


def list_tasks(
    difficulty: Annotated[
        Difficulty | None, typer.Option("--difficulty", help="Only these.", show_default=False)
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="Only tasks with this tag; repeat to narrow.", show_default=False)
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option("--benchmark", help="The tasks of an imported benchmark instead.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the built-in tasks, or an imported benchmark's."""
    rows = _builtin_rows() if benchmark is None else _benchmark_rows(benchmark)
    wanted = set(tag or ())
    _check_tags(wanted, {tag for row in rows for tag in row["tags"]})
    rows = [row for row in rows if difficulty in (None, row["difficulty"]) and wanted <= set(row["tags"])]
    if as_json:
        print_json(rows)
        return
    if not rows:
        note("no task matches; `deepgym list` shows all")
        return
    grid = table("id", "title", "kind", "difficulty", "tests", "public", "tags")
    for row in rows:
        counts = row["tests"], row["public"]
        cells = (row["id"], row["title"], row["kind"], row["difficulty"] or "", *counts, ", ".join(row["tags"]))
        grid.add_row(*map(str, cells))
    stdout().print(grid)


def _builtin_rows() -> list[dict[str, Any]]:
    from deepgym_env.catalog import load_task, task_ids

    return [_row(load_task(task_id)) for task_id in task_ids()]


def _benchmark_rows(name: str) -> list[dict[str, Any]]:
    from deepgym_env.benchmarks import imported

    return [
        {
            "id": entry.id,
            "gym_id": entry.id,
            "kind": "function",
            "title": entry.title,
            "difficulty": entry.difficulty,
            "tests": entry.tests,
            "public": entry.public,
            "tags": list(entry.tags),
        }
        for entry in imported(name)
    ]


def _check_tags(wanted: set[str], known: set[str]) -> None:
    for tag in sorted(wanted - known):
        close = difflib.get_close_matches(tag, known, n=3)
        hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"tags are {', '.join(sorted(known))}"
        raise ConfigError(f"no task has the tag {tag!r}: {hint}")


def _row(task: AnyTask) -> dict[str, Any]:
    return {
        "id": task.id,
        "gym_id": gym_id(task.id),
        "kind": _kind(task),
        "title": task.title,
        "difficulty": task.difficulty,
        "tests": len(task.tests),
        "public": len(task.public_tests),
        "tags": list(task.tags),
    }


def show(task: TaskArgument, as_json: JsonOption = False) -> None:
    """Show a task: its prompt, limits, comparison and public tests. Hidden tests are only counted."""
    shown = resolve_task(task)
    if as_json:
        print_json(_description(shown))
    else:
        _print_task(shown)


def _kind(task: AnyTask) -> Kind:
    return "workspace" if isinstance(task, WorkspaceTask) else "function"


def _description(task: AnyTask) -> dict[str, Any]:
    """Return what may be known of a task; neither hidden tests nor the reference."""
    public, total = len(task.public_tests), len(task.tests)
    return {
        **_row(task),
        "prompt": task.prompt,
        "limits": task.limits.model_dump(),
        "tests": {"total": total, "public": public, "hidden": total - public},
        **(_workspace_description(task) if isinstance(task, WorkspaceTask) else _function_description(task)),
        "seed": task.seed,
        "source": task.source,
        "license": task.license,
    }


def _workspace_description(task: WorkspaceTask) -> dict[str, Any]:
    return {
        "files": [file.path for file in task.files],
        "max_turns": task.max_turns,
        "public_tests": [{"id": test.id, "title": test.title} for test in task.public_tests],
    }


def _function_description(task: FunctionTask) -> dict[str, Any]:
    return {
        "entry_point": task.entry_point,
        "prelude": task.prelude,
        "comparison": task.comparison.model_dump() if isinstance(task, Task) else None,
        "public_tests": [_test_description(task, test) for test in task.public_tests],
    }


def _test_description(task: FunctionTask, test: TestCase | CodeTest) -> dict[str, Any]:
    if isinstance(test, CodeTest):
        return {"id": test.id, "code": test.code}
    calls = [{"call": _call_text(task, call), "expected": repr(call.expected)} for call in test.calls]
    return {"id": test.id, "calls": calls}


def _print_task(task: AnyTask) -> None:
    from rich.markdown import Markdown
    from rich.table import Table

    console = stdout()
    hidden = len(task.tests) - len(task.public_tests)
    console.print(f"[bold]{one_line(task.title, markup=True)}[/]  [dim]{task.id}[/]\n")
    console.print(Markdown(visible(task.prompt)), width=min(console.width, _TEXT_WIDTH))
    console.print()
    facts = Table.grid(padding=(0, 2))
    facts.add_row(
        "[dim]difficulty[/]", (task.difficulty or "not given") + (f" ({', '.join(task.tags)})" if task.tags else "")
    )
    facts.add_row("[dim]tests[/]", f"{len(task.tests)}: {len(task.public_tests)} public, {hidden} hidden")
    if isinstance(task, FunctionTask):
        how = _comparison_text(task.comparison) if isinstance(task, Task) else "the tests' own assertions decide"
        facts.add_row("[dim]comparison[/]", how)
        facts.add_row("[dim]limits[/]", _limits_text(task.limits))
    else:
        facts.add_row("[dim]workspace[/]", ", ".join(file.path for file in task.files) or "empty")
        facts.add_row("[dim]turns[/]", f"at most {task.max_turns}")
        facts.add_row("[dim]limits[/]", _session_limits_text(task.limits))
    console.print(facts)
    if task.public_tests:
        console.print(_public_titles(task) if isinstance(task, WorkspaceTask) else _public_table(task))


def _public_titles(task: WorkspaceTask) -> Any:
    from rich.text import Text

    grid = table("public test", "looks for")
    for test in task.public_tests:
        grid.add_row(test.id, Text(test.title))
    return grid


def _public_table(task: FunctionTask) -> Any:
    from rich.text import Text

    if isinstance(task, AssertionTask):
        grid = table("public test", "code")
        for asserted in task.public_tests:
            grid.add_row(asserted.id, Text(one_line(asserted.code, _CALL_LIMIT)))
        return grid
    grid = table("public test", "call", "expected")
    for test in task.public_tests:
        if isinstance(test, CodeTest):
            continue
        for number, call in enumerate(test.calls):
            texts = one_line(_call_text(task, call), _CALL_LIMIT), one_line(repr(call.expected), _CALL_LIMIT)
            grid.add_row("" if number else test.id, *map(Text, texts))
    return grid


def _call_text(task: FunctionTask, call: Call) -> str:
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


def _limits_text(limits: Limits) -> str:
    return (
        f"per test {limits.cpu_seconds:g} s CPU, {limits.wall_seconds:g} s waiting, {limits.memory_mb} MiB memory, "
        f"{_size(limits.output_bytes)} output, {limits.tmp_mb} MiB /tmp, {limits.threads} threads"
    )


def _session_limits_text(limits: SessionLimits) -> str:
    return (
        f"per command {limits.cpu_seconds:g} s CPU, {limits.wall_seconds:g} s waiting, {limits.memory_mb} MiB memory, "
        f"{limits.processes} processes; workspace {limits.disk_mb} MiB"
    )


def _size(count: int) -> str:
    return f"{count >> 20} MiB" if count % (1 << 20) == 0 else f"{count / 1024:g} KiB"
