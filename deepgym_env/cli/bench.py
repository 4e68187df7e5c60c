"""``deepgym bench``: what a verdict costs on this machine."""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepgym_env.cli.console import print_json, progress_bar, stdout
from deepgym_env.cli.inputs import ImageOption, JsonOption, ModeOption, WorkersOption, examples, resolve_submission
from deepgym_env.errors import ConfigError, SandboxError, TaskError

if TYPE_CHECKING:
    from deepgym_env.blocking import DeepGym
    from deepgym_env.result import RunResult
    from deepgym_env.task import SubmissionTask

__all__ = ["EXAMPLES", "bench"]

EXAMPLES = examples("deepgym bench", "deepgym bench --task two_sum --runs 1000 --workers 8 --json")

Tick = Callable[[], None]


def bench(
    task: Annotated[str, typer.Option("--task", metavar="TASK", help="A task with a reference solution.")] = (
        "coin_change"
    ),
    runs: Annotated[int, typer.Option("--runs", min=1, help="Submissions, first one by one, then in a batch.")] = 200,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
    mode: ModeOption = None,
    image: ImageOption = None,
) -> None:
    """Measure latency and throughput with the task's reference solution; no two submissions are the same."""
    from deepgym_env.blocking import DeepGym

    judged = resolve_submission(task)
    if judged.reference is None:
        raise ConfigError(f"task {judged.id!r} has no reference.py to submit: choose another with --task")
    codes = (f"{judged.reference}\n# {number}\n" for number in itertools.count())
    with DeepGym(workers=workers) as engine, progress_bar() as progress:
        start = _start_seconds(engine, judged, codes)
        single = progress.add_task("one by one", total=runs)
        latencies = _latencies(engine, judged, list(islice(codes, runs)), lambda: progress.advance(single))
        batch = progress.add_task("in a batch", total=runs)
        seconds = _batch_seconds(
            engine, judged, list(islice(codes, runs)), lambda done, _: progress.update(batch, completed=done)
        )
        figures = _figures(judged, engine, latencies, seconds, start)
    if as_json:
        print_json(figures)
    else:
        _print_figures(figures)


def _start_seconds(engine: DeepGym, task: SubmissionTask, codes: Iterator[str]) -> float:
    """Return the time from nothing to the first verdict, then start every other worker."""
    began = time.perf_counter()
    _insist(engine.run(task, next(codes)))
    seconds = time.perf_counter() - began
    engine.run_batch(task, list(islice(codes, 2 * engine.workers)))
    return seconds


def _latencies(engine: DeepGym, task: SubmissionTask, codes: list[str], tick: Tick) -> list[float]:
    latencies = []
    for code in codes:
        began = time.perf_counter()
        result = engine.run(task, code)
        latencies.append(time.perf_counter() - began)
        _insist(result)
        tick()
    return latencies


def _batch_seconds(engine: DeepGym, task: SubmissionTask, codes: list[str], tick: Callable[[int, int], None]) -> float:
    began = time.perf_counter()
    results = engine.run_batch(task, codes, progress=tick)
    seconds = time.perf_counter() - began
    for result in results:
        _insist(result)
    return seconds


def _insist(result: RunResult) -> None:
    """Only verdicts that passed are worth measuring."""
    if not result.has_verdict:
        raise SandboxError(f"no verdict: {result.details}")
    if not result.passed:
        raise TaskError(f"the reference of {result.task_id!r} does not pass its own tests: {result.details}")


def _figures(
    task: SubmissionTask, engine: DeepGym, latencies: list[float], batch_seconds: float, start_seconds: float
) -> dict[str, Any]:
    isolation = engine.isolation()
    ordered = sorted(1000 * latency for latency in latencies)
    per_second = len(latencies) / batch_seconds
    return {
        "task": task.id,
        "tests": len(task.tests),
        "runs": len(latencies),
        "workers": engine.workers,
        "isolation": isolation.level,
        "python": isolation.python,
        "first_verdict_ms": round(1000 * start_seconds, 3),
        "latency_ms": {
            "median": round(statistics.median(ordered), 3),
            "p95": round(ordered[math.ceil(0.95 * len(ordered)) - 1], 3),
            "max": round(ordered[-1], 3),
        },
        "submissions_per_second": round(per_second, 1),
        "tests_per_second": round(per_second * len(task.tests), 1),
    }


def _print_figures(figures: dict[str, Any]) -> None:
    from rich.table import Table

    console = stdout()
    latency = figures["latency_ms"]
    console.print(
        f"[bold]{figures['task']}[/], {figures['tests']} tests, {figures['runs']} submissions, "
        f"{figures['workers']} workers, isolation {figures['isolation']}, Python {figures['python']}\n"
    )
    grid = Table.grid(padding=(0, 2))
    grid.add_row("[dim]first verdict, sandbox start included[/]", f"{figures['first_verdict_ms']:.0f} ms")
    grid.add_row("[dim]one submission, median[/]", f"[bold]{latency['median']:.2f} ms[/]")
    grid.add_row("[dim]one submission, 95th percentile[/]", f"{latency['p95']:.2f} ms")
    grid.add_row("[dim]batch[/]", f"[bold]{figures['submissions_per_second']:.0f} submissions/s[/]")
    grid.add_row("", f"{figures['tests_per_second']:.0f} tests/s")
    console.print(grid)
