"""``deepgym run``: judge one submission."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepgym_env.cli.console import one_line, print_json, status_text, stdout, table
from deepgym_env.cli.failures import ExitCode, complain
from deepgym_env.cli.inputs import (
    ImageOption,
    JsonOption,
    Level,
    LevelOption,
    ModeOption,
    SeedOption,
    TaskArgument,
    examples,
    read_text,
    resolve_submission,
)

if TYPE_CHECKING:
    from rich.table import Table

    from deepgym_env.result import CaseResult, RunResult

__all__ = ["EXAMPLES", "case_table", "run"]

EXAMPLES = examples(
    "deepgym run coin_change --solution solution.py",
    "cat answer.md | deepgym run DeepGym/coin_change --solution - --json",
    "deepgym run ./my_task --solution solution.py --min-isolation full",
)

_CELL = 200


def run(
    task: TaskArgument,
    solution: Annotated[
        str,
        typer.Option(
            "--solution",
            "-s",
            metavar="FILE|-",
            help="Code, or text with the code in its last fenced block; - reads stdin.",
            show_default=False,
        ),
    ],
    as_json: JsonOption = False,
    seed: SeedOption = 0,
    min_isolation: LevelOption = Level.process,
    mode: ModeOption = None,
    image: ImageOption = None,
) -> None:
    """Judge one submission: exits with 0 if every test passes, 1 if not, 3 without a verdict."""
    from deepgym_env.blocking import DeepGym

    judged = resolve_submission(task, seed)
    text = read_text(solution, "--solution")
    with DeepGym(workers=1, min_isolation=min_isolation.value) as engine:
        result = engine.run(judged, text)
    if as_json:
        print_json({**result.to_protocol(), "status": result.status, "has_verdict": result.has_verdict})
    elif result.has_verdict:
        _print_result(result)
    if not result.has_verdict:
        lost = result.timing.attempts > 1  # else it is the verifier that failed, which nothing in the sandbox mends
        hint = "; `deepgym doctor` says what the sandbox needs" if lost else ""
        complain(f"no verdict: {result.details}{hint}")
    raise typer.Exit(_exit_code(result))


def _exit_code(result: RunResult) -> ExitCode:
    """Return the code that tells a result."""
    if not result.has_verdict:
        return ExitCode.INFRASTRUCTURE
    return ExitCode.OK if result.passed else ExitCode.FAILED


def _print_result(result: RunResult) -> None:
    console = stdout()
    if any(case.status != "not_run" for case in result.cases):
        console.print(case_table(result))
    console.print(_verdict_line(result), soft_wrap=True)


def _verdict_line(result: RunResult) -> str:
    """Return the result in one line of markup."""
    colour = "green" if result.passed else "red"
    score = 0.0 if result.score is None else result.score
    parts = [f"[bold {colour}]{result.status}[/]", one_line(result.details, markup=True), f"score {score:.3f}"]
    parts += [f"{name} {value:.3f}" for name, value in result.reward_components.items() if name != "correctness"]
    timing = result.timing
    cost = f"{timing.wall_seconds:.2f} s, {timing.cpu_seconds:.2f} s CPU"
    cost += f", {timing.peak_memory_mb:.0f} MiB" if timing.peak_memory_mb else ""  # not known of programs
    return "  ·  ".join(parts) + f"  [dim]({cost})[/]"


def case_table(result: RunResult) -> Table:
    """Return a table of the tests."""
    from rich.text import Text

    grid = table("test", "seen by agent", "status", "what happened")
    for case in result.cases:
        told: list[Any] = [case.id, "public" if case.public else "hidden", status_text(case.status)]
        grid.add_row(*told, Text(_story(case)))
    return grid


def _story(case: CaseResult) -> str:
    """Return what happened in a test; hidden ones have no summaries."""
    parts = [case.input_summary]
    if case.output_summary:
        parts.append(f"→ {case.output_summary}")
    if case.status == "wrong_answer" and case.expected_summary:
        parts.append(f"(expected {case.expected_summary})")
    if case.error:
        parts.append(f"{'— ' if case.input_summary else ''}{case.error}")
    if case.stdout and not case.passed:
        parts.append(f"[printed: {one_line(case.stdout, _CELL)}]")
    return one_line(" ".join(part for part in parts if part))
