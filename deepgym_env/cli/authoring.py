"""``deepgym new`` and ``deepgym check``: a task folder to begin with, and whether a task is fit to train on."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepgym_env.cli.console import note, one_line, print_json, progress_bar, stderr, stdout, table
from deepgym_env.cli.failures import ExitCode
from deepgym_env.cli.inputs import (
    ImageOption,
    JsonOption,
    ModeOption,
    WorkersOption,
    complete_task,
    examples,
    resolve_task,
)
from deepgym_env.scaffolding import kinds, scaffold

if TYPE_CHECKING:
    from deepgym_env.blocking import DeepGym
    from deepgym_env.checking import CheckReport

__all__ = ["CHECK_EXAMPLES", "NEW_EXAMPLES", "check", "new"]

NEW_EXAMPLES = examples("deepgym new my_task", "deepgym new my_repair --kind workspace --dir tasks")
CHECK_EXAMPLES = examples(
    "deepgym check ./my_task",
    "deepgym check ./tasks --json",
    "deepgym check coin_change debug_fix --runs 3",
    after=("[bold]Folders[/]  A folder of task folders stands for all of them.",),
)
_MARKS = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "error": "[bold red]error[/]"}

Kind = Enum("Kind", {name: name for name in kinds()}, type=str)  # type: ignore[misc]
_FUNCTION = Kind("function")


def new(
    name: Annotated[str, typer.Argument(help="The task's id, and its folder's name.", show_default=False)],
    kind: Annotated[Kind, typer.Option("--kind", "-k", help="What is to be done.")] = _FUNCTION,
    into: Annotated[Path, typer.Option("--dir", "-d", metavar="DIR", help="Where the folder is made.")] = Path("."),
) -> None:
    """Make a task folder that works as it is, to be changed into your task."""
    from deepgym_env.folders import load_task_folder
    from deepgym_env.task import SubmissionTask

    folder = scaffold(name, kind.value, into)
    console, shown = stdout(), f"./{folder}" if "/" not in str(folder) else str(folder)
    console.print(f"[bold]{one_line(shown, markup=True)}[/]", soft_wrap=True)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        console.print(f"  {one_line(str(path.relative_to(folder)), markup=True)}", soft_wrap=True)
    judged = isinstance(load_task_folder(folder), SubmissionTask)
    steps = (
        ("edit its files", "the task as it is already works"),
        (f"deepgym check {shown}", "whether it is fit to train on"),
        (f"deepgym run {shown} --solution FILE" if judged else f"deepgym play {shown}", "try it"),
        (f"deepgym audit {shown}", "whether it can be cheated"),
        (f'deepgym_env.register("{shown}")', f'in Python: gym.make("DeepGym/{folder.name}") from then on'),
    )
    console.print("\n[bold]Next steps[/]")
    for command, purpose in steps:
        console.print(f"  [cyan]{one_line(command, markup=True):<45}[/] [dim]{purpose}[/]", soft_wrap=True)


def check(
    tasks: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH|ID...",
            help="Task folders, folders of task folders, or ids of tasks.",
            autocompletion=complete_task,
            show_default=False,
        ),
    ],
    runs: Annotated[int, typer.Option("--runs", min=2, help="How often the same submission is judged.")] = 5,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
    mode: ModeOption = None,
    image: ImageOption = None,
) -> None:
    """Check that tasks are fit to train on: exits with 1 if one is not.

    The reference passes every test, also of other seeds; answers without work fail; verdicts are the same every
    time; limits leave room; there are public and hidden tests; the prompt names what is to be written.
    """
    from deepgym_env.blocking import DeepGym

    wanted = [target for name in tasks for target in _targets(name)]
    with progress_bar() as progress, DeepGym(workers=workers) as engine:
        bar = progress.add_task("checking", total=len(wanted))
        reports = []
        for done, target in enumerate(wanted):
            progress.update(bar, completed=done, description=f"checking {one_line(target.name, 40, markup=True)}")

            def tick(judged: int, total: int, done: int = done) -> None:
                progress.update(bar, completed=done + judged / total)

            reports.append(target.check(engine, runs, tick))
    if as_json:
        print_json([report.model_dump(mode="json") for report in reports])
    else:
        _print_reports(reports)
    if not all(report.passed for report in reports):
        raise typer.Exit(ExitCode.FAILED)


class _Target:
    """A task to check: a folder, or one that has none."""

    def __init__(self, name: str, folder: Path | None) -> None:
        self.name = name
        self._folder = folder

    def check(self, engine: DeepGym, runs: int, tick: Callable[[int, int], None]) -> CheckReport:
        from deepgym_env.checking import check_folder, check_task

        if self._folder is not None:
            return check_folder(self._folder, engine, runs=runs, progress=tick)
        return check_task(resolve_task(self.name), engine, runs=runs, progress=tick)


def _targets(name: str) -> list[_Target]:
    """Return what an argument means: as for all commands, and also a folder of task folders."""
    from deepgym_env.catalog import folder_of, is_known

    if is_known(name):
        return [_Target(name, folder_of(name))]
    folder = Path(name)
    if not folder.is_dir():
        resolve_task(name)  # says what is wrong with it
    inside = sorted(path.parent for path in folder.glob("*/task.toml"))
    if (folder / "task.toml").exists() or not inside:
        return [_Target(folder.resolve().name, folder)]
    return [_Target(path.name, path) for path in inside]


def _print_reports(reports: list[CheckReport]) -> None:
    console = stdout()
    if len(reports) == 1:
        console.print(_findings(reports[0]))
    else:
        console.print(_overview(reports))
    unfit = [report for report in reports if not report.passed]
    if unfit:
        names = ", ".join(one_line(report.task, markup=True) for report in unfit)
        stderr().print(f"[bold red]unfit:[/] {names}", soft_wrap=True)
    elif any(report.at("warning") for report in reports):
        note("fit to train on, with warnings")
    else:
        console.print(f"[bold green]fit to train on[/]{'' if len(reports) == 1 else f': {len(reports)} tasks'}")


def _findings(report: CheckReport) -> object:
    grid = table("check", "", "what was found", title=one_line(report.task, markup=True))
    for finding in report.findings:
        grid.add_row(finding.check, _MARKS[finding.level], one_line(finding.message, markup=True))
    return grid


def _overview(reports: list[CheckReport]) -> object:
    grid = table("task", "", "tests", "public", "floor", "of limit", "CPU", "what is wrong")
    for report in reports:
        wrong = (*report.at("error"), *report.at("warning"))
        level = "error" if not report.passed else "warning" if wrong else "ok"
        told = "; ".join(f"{finding.check}: {finding.message}" for finding in wrong)
        cells = (
            str(report.tests),
            str(report.public),
            "" if report.floor is None else f"{report.floor:.2f}",
            "" if report.cpu_share is None else f"{report.cpu_share:.0%}",
            f"{report.cpu_seconds:.2f} s" if report.cpu_seconds else "",
        )
        grid.add_row(one_line(report.task, markup=True), _MARKS[level], *cells, one_line(told, markup=True))
    return grid
