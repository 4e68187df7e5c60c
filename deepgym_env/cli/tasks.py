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
)

if TYPE_CHECKING:
    pass


__all__ = ["LIST_EXAMPLES", "SHOW_EXAMPLES", "Difficulty", "list_tasks", "show"]

LIST_EXAMPLES = examples(
    "deepgym list", "deepgym list --difficulty hard", "deepgym list --tag dynamic-programming --json"
)
SHOW_EXAMPLES = examples("deepgym show coin_change", "deepgym show ./my_task", "deepgym show coin_change --json")

_TEXT_WIDTH = 100


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
            "kind": entry.kind,
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
    from deepgym_env.cli.task_views import view_of

    return {
        "id": task.id,
        "gym_id": gym_id(task.id),
        "kind": view_of(task).kind,
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


def _description(task: AnyTask) -> dict[str, Any]:
    """Return what may be known of a task; neither hidden tests nor the reference."""
    from deepgym_env.cli.task_views import view_of

    public, total = len(task.public_tests), len(task.tests)
    return {
        **_row(task),
        "prompt": task.prompt,
        "tests": {"total": total, "public": public, "hidden": total - public},
        **view_of(task).data(task),
        "seed": task.seed,
        "source": task.source,
        "license": task.license,
    }


def _print_task(task: AnyTask) -> None:
    from rich.markdown import Markdown
    from rich.table import Table

    from deepgym_env.cli.task_views import view_of

    console, view = stdout(), view_of(task)
    hidden = len(task.tests) - len(task.public_tests)
    console.print(f"[bold]{one_line(task.title, markup=True)}[/]  [dim]{task.id}[/]\n")
    console.print(Markdown(visible(task.prompt)), width=min(console.width, _TEXT_WIDTH))
    console.print()
    facts = Table.grid(padding=(0, 2))
    facts.add_row(
        "[dim]difficulty[/]", (task.difficulty or "not given") + (f" ({', '.join(task.tags)})" if task.tags else "")
    )
    facts.add_row("[dim]tests[/]", f"{len(task.tests)}: {len(task.public_tests)} public, {hidden} hidden")
    for name, text in view.facts(task):
        facts.add_row(f"[dim]{name}[/]", text)
    console.print(facts)
    if task.public_tests:
        console.print(view.public(task))
