"""``deepgym eval``: judge a file of completions; interrupted, the same command goes on."""

from __future__ import annotations

import asyncio
import functools
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepgym_env.cli.completions import FIELDS, Completion, read_completions
from deepgym_env.cli.console import note, one_line, print_json, progress_bar, stdout
from deepgym_env.cli.evaluation_summary import print_summary, summarize
from deepgym_env.cli.failures import ExitCode, complain
from deepgym_env.cli.inputs import (
    ImageOption,
    JsonOption,
    Level,
    LevelOption,
    ModeOption,
    SeedOption,
    TaskArgument,
    WorkersOption,
    examples,
    resolve_submission,
)
from deepgym_env.cli.result_log import Record, ResultLog, record_of
from deepgym_env.errors import ConfigError

if TYPE_CHECKING:
    from deepgym_env.engine import AsyncDeepGym

__all__ = ["EXAMPLES", "evaluate"]

EXAMPLES = examples(
    "deepgym eval coin_change --solutions samples.jsonl",
    "deepgym eval coin_change --solutions samples.jsonl --output scores.jsonl --workers 8",
    "deepgym eval two_sum --solutions rollouts.jsonl --field generated_text --json",
    after=(
        '[bold]Lines[/]  {"completion": "...", "id": "a-1", "task": "two_sum"}',
        f"  The completion may also be under {', '.join(FIELDS[1:-1])} or {FIELDS[-1]}. id (else the line's number) "
        "and task (else TASK) are optional.",
        "[bold]Resuming[/]  Results are written as they come. The same command again judges what has no verdict yet.",
    ),
)

_IN_FLIGHT = 8  # completions per worker: those that wait leave the CPU to the others

Judged = Callable[[Completion, Record], None]


def evaluate(
    task: TaskArgument,
    solutions: Annotated[
        Path, typer.Option("--solutions", metavar="FILE.jsonl", help="One JSON object per line.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT.jsonl",
            help="Where results are appended; by default FILE.results.jsonl.",
            show_default=False,
        ),
    ] = None,
    workers: WorkersOption = None,
    field: Annotated[
        str | None, typer.Option("--field", help="The field that holds the completion.", show_default=False)
    ] = None,
    seed: SeedOption = 0,
    min_isolation: LevelOption = Level.process,
    as_json: JsonOption = False,
    mode: ModeOption = None,
    image: ImageOption = None,
) -> None:
    """Judge many completions: exits with 0 once all have verdicts, 3 if some have none."""
    load = functools.cache(lambda name: resolve_submission(name, seed))
    completions = read_completions(solutions, load(task), load, field)
    out = output or solutions.with_name(f"{solutions.stem}.results.jsonl")
    if out.exists() and out.samefile(solutions):
        raise ConfigError(f"{out}: --output must be another file than --solutions")
    with ResultLog(out) as log:
        records = _known(completions, log)
        resumed = len(records)
        if resumed or log.torn:
            torn = "; its torn last line was dropped" if log.torn else ""
            note(f"{out}: has verdicts on {resumed} of {len(completions)} completions{torn}")
        todo = [number for number in range(len(completions)) if number not in records]
        if todo:
            try:
                _judge_all(completions, todo, records, log, workers, min_isolation.value)
            except KeyboardInterrupt as error:
                complain(
                    f"interrupted with {len(records)} of {len(completions)} judged; the same command again goes on"
                )
                raise typer.Exit(ExitCode.INTERRUPTED) from error
    summary = summarize([records[number] for number in range(len(completions))])
    if as_json:
        print_json({"output": str(out), "resumed": resumed, **summary})
    else:
        print_summary(summary)
        stdout().print(f"[dim]results in {one_line(str(out), markup=True)}[/]", soft_wrap=True)
    missing = summary["without_verdict"]
    if missing:
        complain(f"{missing} of {len(completions)} completions have no verdict; the same command again retries them")
        raise typer.Exit(ExitCode.INFRASTRUCTURE)


def _known(completions: Sequence[Completion], log: ResultLog) -> dict[int, Record]:
    """Return the verdicts the results file has already, by the completion's position."""
    records = {}
    for number, completion in enumerate(completions):
        record = log.take(completion)
        if record is not None:
            records[number] = record
    return records


def _judge_all(
    completions: Sequence[Completion],
    todo: Sequence[int],
    records: dict[int, Record],
    log: ResultLog,
    workers: int | None,
    min_isolation: str,
) -> None:
    """Judge the completions at the positions ``todo``; equal ones are run once."""
    from deepgym_env.engine import AsyncDeepGym

    groups: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    for number in todo:
        groups[id(completions[number].task), completions[number].sha256].append(number)

    async def judge_groups() -> None:
        async with AsyncDeepGym(workers=workers, min_isolation=min_isolation) as engine:  # type: ignore[arg-type]
            await engine.isolation()  # a sandbox that can't start fails here, once
            await _work(engine, list(groups.values()))

    async def _work(engine: AsyncDeepGym, groups: Sequence[Sequence[int]]) -> None:
        rest = iter(groups)

        async def judge_rest() -> None:
            for numbers in rest:
                first = completions[numbers[0]]
                result = await engine.run(first.task, first.text)
                for number in numbers:
                    records[number] = record_of(completions[number], result)
                    log.append(records[number])
                    progress.advance(bar)

        await asyncio.gather(*(judge_rest() for _ in range(min(engine.workers * _IN_FLIGHT, len(groups)))))

    with progress_bar() as progress:
        bar = progress.add_task("judging", total=len(completions), completed=len(records))
        asyncio.run(judge_groups())
