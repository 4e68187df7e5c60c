"""``deepgym import`` and ``deepgym benchmarks``: public benchmarks as tasks, and how they hold up."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepgym_env.benchmarks import BENCHMARKS, Entry, entries, imported, problems
from deepgym_env.cli.command_line import Command, CommandGroup
from deepgym_env.cli.console import note, one_line, print_json, progress_bar, stdout, table
from deepgym_env.cli.failures import ExitCode, complain
from deepgym_env.cli.inputs import JsonOption, WorkersOption, examples

if TYPE_CHECKING:
    from deepgym_env.benchmarks.canon import CanonReport
    from deepgym_env.benchmarks.importing import ImportReport

__all__ = ["IMPORT_EXAMPLES", "app", "import_"]

IMPORT_EXAMPLES = examples(
    "deepgym import humaneval --file HumanEval.jsonl.gz",
    "deepgym import humaneval --hub openai/openai_humaneval --revision main",
    "deepgym import mbppplus --file MbppPlus.jsonl.gz --plus-inputs 20",
    "deepgym import leetcode --file LeetCodeDataset-v0.2.0-train.jsonl.gz --file LeetCodeDataset-v0.2.0-test.jsonl.gz",
    "deepgym run HumanEval/0 --solution solution.py",
    after=("[bold]Where[/]  in DEEPGYM_HOME, else ~/.local/share/deepgym. Importing again replaces what was there.",),
)
_CHECK_EXAMPLES = examples("deepgym benchmarks check humaneval", "deepgym benchmarks check mbppplus --limit 50 --json")
_REASONS = 10

Name = Enum("Name", {name: name for name in BENCHMARKS}, type=str)  # type: ignore[misc]
NameArgument = Annotated[Name, typer.Argument(help="The benchmark.", show_default=False)]
LimitOption = Annotated[
    int | None, typer.Option("--limit", min=1, help="Only so many, the first ones.", show_default=False)
]

app = typer.Typer(
    cls=CommandGroup,
    help="Show which public benchmarks were imported; check them.",
    epilog=examples("deepgym benchmarks", "deepgym benchmarks --json", "deepgym list --benchmark humaneval"),
)


def import_(
    name: NameArgument,
    file: Annotated[
        list[str] | None,
        typer.Option(
            "--file",
            "-f",
            metavar="FILE",
            help="The benchmark's file as published (.jsonl, .jsonl.gz, .json), or a folder `datasets` saved it in; "
            "repeat for more. Without it, the Hugging Face Hub is asked.",
            show_default=False,
        ),
    ] = None,
    hub: Annotated[
        str | None,
        typer.Option(
            "--hub",
            metavar="OWNER/NAME[:CONFIGURATION]",
            help="Where the Hugging Face Hub has it, if elsewhere than `deepgym benchmarks --json` says.",
            show_default=False,
        ),
    ] = None,
    revision: Annotated[
        str | None, typer.Option("--revision", help="A branch, tag or commit on the Hub.", show_default=False)
    ] = None,
    limit: LimitOption = None,
    plus_inputs: Annotated[
        int | None,
        typer.Option(
            "--plus-inputs",
            min=0,
            help="HumanEval+ and MBPP+: at most so many plus inputs of each task, drawn at random; by default all.",
            show_default=False,
        ),
    ] = None,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Convert a public benchmark, from a file or the Hugging Face Hub, into tasks that are there by id from then on."""
    from deepgym_env.benchmarks.importing import import_benchmark
    from deepgym_env.blocking import DeepGym

    if not file and (hub or BENCHMARKS[name.value].hub):
        note(f"asking the Hugging Face Hub for {hub or BENCHMARKS[name.value].hub}")
    bar = progress_bar()
    converting = bar.add_task("converting")
    with ExitStack() as stack:

        def show(done: int, total: int) -> None:
            if not bar.live.is_started:  # bad input is told before there is a bar
                stack.enter_context(bar)
            bar.update(converting, completed=done, total=total)

        engine = stack.enter_context(DeepGym(workers=workers))
        report = import_benchmark(
            name.value,
            file or (),
            hub=hub,
            revision=revision,
            limit=limit,
            plus_inputs=plus_inputs,
            engine=engine,
            progress=show,
        )
    if as_json:
        failures = [{"row": failure.row, "reason": failure.reason} for failure in report.failures]
        print_json({"file": str(report.file), "tasks": report.tasks, "tests": report.tests, "failures": failures})
    else:
        _print_import(report)


def _print_import(report: ImportReport) -> None:
    console, space = stdout(), report.benchmark.namespace
    console.print(f"[bold]{report.tasks}[/] tasks with {report.tests} tests: {space}/...", soft_wrap=True)
    console.print(f"[dim]in {one_line(str(report.file), markup=True)}[/]", soft_wrap=True)
    if not report.failures:
        return
    console.print(f"[yellow]{len(report.failures)}[/] rows are no tasks:")
    for failure in report.failures[:_REASONS]:
        console.print(f"  {one_line(f'{failure.row}: {failure.reason}', 200, markup=True)}", soft_wrap=True)
    if len(report.failures) > _REASONS:
        console.print(f"  ... and {len(report.failures) - _REASONS} more; --json has all")


@app.callback(invoke_without_command=True)
def _benchmarks(context: typer.Context, as_json: JsonOption = False) -> None:
    if context.invoked_subcommand is not None:
        return
    rows = [_row(name) for name in BENCHMARKS]
    if as_json:
        print_json(rows)
        return
    grid = table("name", "benchmark", "ids", "tasks", "tests", "mean floor", "licence")
    for row in rows:
        known = (str(row["tasks"]), str(row["tests"]), f"{row['mean_floor']:.2f}") if row["tasks"] else ("-", "", "")
        grid.add_row(row["name"], row["title"], f"{row['namespace']}/...", *known, row["license"])
    stdout().print(grid)
    for problem in problems():
        note(str(problem))


def _row(name: str) -> dict[str, Any]:
    benchmark = BENCHMARKS[name]
    found = list(entries(benchmark.namespace))
    return {
        "name": name,
        "namespace": benchmark.namespace,
        "title": benchmark.title,
        "license": benchmark.license,
        "hub": benchmark.hub,
        "tasks": len(found),
        "tests": sum(entry.tests for entry in found),
        "mean_floor": _mean_floor(found),
        "splits": dict(Counter(tag for entry in found for tag in entry.tags if tag in ("train", "test", "validation"))),
    }


def _mean_floor(found: list[Entry]) -> float | None:
    floors = [entry.floor for entry in found if entry.floor is not None]
    return sum(floors) / len(floors) if floors else None


@app.command("check", cls=Command, epilog=_CHECK_EXAMPLES)
def check(
    name: NameArgument, limit: LimitOption = None, workers: WorkersOption = None, as_json: JsonOption = False
) -> None:
    """Judge the published solutions, which should pass, and dishonest answers, which should not.

    Exits with 1 if a published solution fails, or a dishonest answer passes that no constant would.
    """
    from deepgym_env.benchmarks import load
    from deepgym_env.benchmarks.canon import check as judge
    from deepgym_env.blocking import DeepGym
    from deepgym_env.task import SubmissionTask

    tasks = [
        task for task in (load(entry.id) for entry in imported(name.value)[:limit]) if isinstance(task, SubmissionTask)
    ]
    with progress_bar() as progress, DeepGym(workers=workers) as engine:
        bar = progress.add_task("judging", total=2 * len(tasks))
        report = judge(tasks, engine, lambda done, total: progress.update(bar, completed=done))
    if as_json:
        print_json(_facts(report))
    else:
        _print_check(report)
    cheated = {task for passed in report.passed_by.values() for task in passed} - set(report.constant)
    if report.failed or cheated:
        complain(f"{len(report.failed)} published solutions fail, and {len(cheated)} tasks were cheated")
        raise typer.Exit(ExitCode.FAILED)


def _facts(report: CanonReport) -> dict[str, Any]:
    return {
        "tasks": report.tasks,
        "tests": report.tests,
        "published_solutions": report.published,
        "published_solutions_passed": report.published - len(report.failed),
        "failed": report.failed,
        "lacking": report.lacking,
        "passed_by": report.passed_by,
        "published_as_wrong": report.rejected,
        "passed_by_what_is_published_as_wrong": report.accepted,
        "passed_by_a_constant": report.constant,
        "mean_floor": report.mean_floor,
        "seconds": report.seconds,
    }


def _print_check(report: CanonReport) -> None:
    grid = table("answer", "passes", "of", "which")
    passed = report.published - len(report.failed)
    failed = ", ".join(f"{task} ({status})" for task, status in report.failed.items())
    which = f"all but {failed}" if failed else "all" if report.published else "none is published"
    grid.add_row("published solution", str(passed), str(report.published), which)
    for answer, tasks in report.passed_by.items():
        grid.add_row(answer, str(len(tasks)), str(report.tried_on[answer]), ", ".join(tasks))
    if report.lacking:
        grid.add_row("left out, for want of a package", str(len(report.lacking)), "", ", ".join(report.lacking))
    if report.rejected:
        weak = ", ".join(dict.fromkeys(report.accepted))
        grid.add_row("published as wrong", str(len(report.accepted)), str(report.rejected), weak)
    grid.add_row("best constant", str(len(report.constant)), str(report.tasks), ", ".join(report.constant))
    stdout().print(grid)
    floor = f"a constant answer scores {report.mean_floor:.3f} on average"
    stdout().print(f"{report.tests} tests; {floor}; the published solutions took {report.seconds:.1f} s")
