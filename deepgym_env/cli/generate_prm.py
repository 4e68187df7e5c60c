"""``deepgym generate-prm``: labelled steps for process reward models, out of solutions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from deepgym_env.cli.completions import FIELDS
from deepgym_env.cli.console import one_line, progress_bar, stdout
from deepgym_env.cli.export import OutOption
from deepgym_env.cli.failures import ExitCode, complain
from deepgym_env.cli.inputs import (
    ImageOption,
    ModeOption,
    SeedOption,
    TaskArgument,
    WorkersOption,
    examples,
    resolve_submission,
)
from deepgym_env.errors import ConfigError

__all__ = ["EXAMPLES", "generate_prm"]

SEQUENCES = ("completions", "attempts")
_NAMED = 5  # bad lines told one by one; the others are counted

EXAMPLES = examples(
    "deepgym generate-prm coin_change --solutions samples.jsonl -o prm.jsonl",
    after=(
        '[bold]Lines[/]  {"attempts": ["first try", "second try"]}',
        f"  Successive attempts are under {' or '.join(SEQUENCES)}; a lone one is a JSON text, or under "
        f"{', '.join(FIELDS[:-1])} or {FIELDS[-1]}.",
        "[bold]Rows[/]  One per line, in Axolotl's stepwise_supervised form: prompt, completions, labels. A step is an "
        "attempt; it is good if all tests pass, or it newly passed one and lost none. Logs of episodes: "
        "deepgym export --to prm.",
    ),
)


def generate_prm(
    task: TaskArgument,
    solutions: Annotated[
        Path, typer.Option("--solutions", metavar="FILE.jsonl", help="One solution per line.", show_default=False)
    ],
    output: OutOption,
    seed: SeedOption = 0,
    workers: WorkersOption = None,
    mode: ModeOption = None,
    image: ImageOption = None,
) -> None:
    """Judge solutions and label their steps: exits with 0 once all have verdicts, 3 if some have none."""
    from deepgym_env.blocking import DeepGym
    from deepgym_env.episodes import generate_prm as label
    from deepgym_env.episodes.export import replacing, write_rows

    judged = resolve_submission(task, seed)
    trajectories = _read(solutions, judged.id)
    if output.exists() and output.samefile(solutions):
        raise ConfigError(f"{output}: --output must be another file than --solutions")
    with replacing(output) as draft:
        with DeepGym(workers=workers) as engine, progress_bar() as progress:
            engine.isolation()  # a sandbox that can't start fails here, once
            bar = progress.add_task("judging", total=sum(map(len, trajectories)))
            rows = label(engine, judged, trajectories, progress=lambda done, _: progress.update(bar, completed=done))
        write_rows(rows, draft)
    labels = [each for row in rows for each in row["labels"]]
    place = one_line(str(output), markup=True)
    stdout().print(f"{len(rows)} rows, {sum(labels)} of {len(labels)} steps good, in {place}", soft_wrap=True)
    missing = sum(map(len, trajectories)) - len(labels)
    if missing:
        complain(f"{missing} attempts have no label, for they or one before them got no verdict; run it again")
        raise typer.Exit(ExitCode.INFRASTRUCTURE)


def _read(path: Path, task_id: str) -> list[list[str]]:
    """Return the attempts of every line.

    Raises:
        ConfigError: If lines are malformed, or there are none.
    """
    trajectories: list[list[str]] = []
    bad: list[str] = []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                if line.strip():
                    trajectories.append(_attempts(json.loads(line.decode("utf-8-sig")), task_id))
            except (ValueError, RecursionError) as error:
                bad.append(f"line {number}: {error}")
    if bad:
        rest = f"; and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        raise ConfigError(f"{path}: {len(bad)} malformed, nothing was run: {'; '.join(bad[:_NAMED])}{rest}")
    if not trajectories:
        raise ConfigError(f'{path}: no solutions; write one per line, such as {{"attempts": ["...", "..."]}}')
    return trajectories


def _attempts(row: Any, task_id: str) -> list[str]:
    """Return a line's attempts; raise ValueError if it has none."""
    if isinstance(row, str):
        return [row]
    if not isinstance(row, dict):
        raise ValueError("must be a JSON object or text")
    named = row.get("task")
    if named is not None and str(named).removeprefix("DeepGym/") != task_id:
        raise ValueError(f"is for task {named!r}, not {task_id!r}")
    name = next((name for name in (*SEQUENCES, *FIELDS) if name in row), None)
    if name is None:
        raise ValueError(f"no solution under {', '.join((*SEQUENCES, *FIELDS))}")
    attempts = [row[name]] if name in FIELDS else row[name]
    if not isinstance(attempts, list) or not attempts or not all(isinstance(each, str) for each in attempts):
        wanted = "text" if name in FIELDS else "a list of texts, at least one"
        raise ValueError(f"`{name}` must be {wanted}")
    return attempts
