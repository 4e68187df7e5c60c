"""``deepgym list`` and ``deepgym show``: what tasks there are, and one of them in full."""

from __future__ import annotations

import difflib
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepgym_env.catalog import gym_id
from deepgym_env.cli.console import note, one_line, print_json, stdout, table, visible
from deepgym_env.cli.inputs import JsonOption, TaskArgument, examples, resolve_task
from deepgym_env.errors import ConfigError
from deepgym_env.task import AnyTask

if TYPE_CHECKING:
    from deepgym_env.benchmarks import Entry
    from deepgym_env.selection import Criteria, Known

__all__ = ["LIST_EXAMPLES", "SHOW_EXAMPLES", "Difficulty", "list_tasks", "show"]

LIST_EXAMPLES = examples(
    "deepgym list",
    "deepgym list --difficulty hard",
    "deepgym list --tag dynamic-programming --json",
    "deepgym list --benchmark leetcode --rates scores.jsonl --min-pass-rate 0.1 --max-pass-rate 0.9",
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
        typer.Option(
            "--benchmark",
            help="The tasks of an imported benchmark, or of another namespace, instead.",
            show_default=False,
        ),
    ] = None,
    rates: Annotated[
        Path | None,
        typer.Option(
            "--rates",
            metavar="FILE.jsonl",
            help="Show how often each was solved, by results of `deepgym eval` or a log of episodes.",
            show_default=False,
        ),
    ] = None,
    least: Annotated[
        float | None,
        typer.Option("--min-pass-rate", min=0, max=1, help="Only tasks solved at least so often.", show_default=False),
    ] = None,
    most: Annotated[
        float | None,
        typer.Option("--max-pass-rate", min=0, max=1, help="Only tasks solved at most so often.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the built-in tasks and your own, or an imported benchmark's."""
    from deepgym_env.selection import Criteria

    asked = least is not None or most is not None
    if asked and rates is None:
        raise ConfigError("--min-pass-rate and --max-pass-rate need --rates FILE, where they were measured")
    span = (0.0 if least is None else least, 1.0 if most is None else most) if asked else None
    criteria = Criteria.of(difficulty.value if difficulty else None, tag or (), pass_rate=span, rates=rates)
    found = _own_tasks() if benchmark is None else _tasks_of(benchmark)
    _check_tags(set(criteria.tags), {tag for task in found for tag in task.tags})
    rows = [_rated(task, criteria) for task in found if criteria.fits(task)]
    if as_json:
        print_json(rows)
        return
    if not rows:
        note("no task matches; `deepgym list` shows all")
        return
    _print_rows(rows)


def _print_rows(rows: list[dict[str, Any]]) -> None:
    measured = ("pass rate",) if "pass_rate" in rows[0] else ()
    grid = table("id", "title", "kind", "difficulty", "tests", "public", *measured, "tags")
    for row in rows:
        cells = [row["id"], row["title"], row["kind"], row["difficulty"] or "", str(row["tests"]), str(row["public"])]
        if measured:
            cells.append("" if row["pass_rate"] is None else f"{row['pass_rate']:.2f}")
        grid.add_row(*(one_line(cell, markup=True) for cell in cells), ", ".join(row["tags"]))
    stdout().print(grid)


def _own_tasks() -> list[Known]:
    """Return the built-in tasks and those added; what can't be loaded of these is remarked on."""
    from deepgym_env.selection import own_tasks

    found, wrong = own_tasks()
    for problem in wrong:
        note(str(problem))
    return found


def _tasks_of(namespace: str) -> list[Known]:
    from deepgym_env.selection import known, of_namespace

    return [known(task_id) for task_id in of_namespace(namespace)]


def _rated(task: Known, criteria: Criteria) -> dict[str, Any]:
    """Return what is said of a task, with its pass rate where rates were given."""
    from deepgym_env.benchmarks import Entry

    row = _entry_row(task) if isinstance(task, Entry) else _row(task)
    return {**row, "pass_rate": criteria.rate_of(task)} if criteria.rates else row


def _entry_row(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "gym_id": entry.id,
        "kind": entry.kind,
        "title": entry.title,
        "difficulty": entry.difficulty,
        "tests": entry.tests,
        "public": entry.public,
        "tags": list(entry.tags),
    }


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
