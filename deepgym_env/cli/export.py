"""``deepgym export``: logged episodes in the forms training takes."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from deepgym_env.cli.console import one_line, progress_bar, stdout
from deepgym_env.cli.inputs import examples
from deepgym_env.cli.replay import LogArgument, count
from deepgym_env.errors import ConfigError

__all__ = ["EXAMPLES", "Format", "OutOption", "export"]

EXAMPLES = examples(
    "deepgym export episodes.jsonl --to sft --only-passed -o sft.jsonl",
    "deepgym export episodes.jsonl --to prm -o prm.jsonl",
    "deepgym export episodes.jsonl --to parquet -o turns.parquet",
    "deepgym export episodes.jsonl --to minari -o coin_change-v0",
    after=(
        "[bold]Formats[/]",
        "  sft      chats: messages, with tool_calls and tools where there are some; task, seed, score, passed",
        "  trl      TRL's prompt and completion messages; rewards of each turn, task, seed, score, passed",
        "  prm      Axolotl's stepwise_supervised and TRL's PRMTrainer: prompt, completions, labels; a step is good "
        "if then all tests pass, or it newly passed one and lost none",
        "  parquet  one row per turn, typed columns",
        "  minari   a Minari dataset (HDF5) in a new folder named like coin_change-v0",
    ),
)


class Format(str, Enum):
    """Formats, as choices."""

    sft = "sft"
    prm = "prm"
    trl = "trl"
    parquet = "parquet"
    minari = "minari"


OutOption = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="OUT", help="What to write; a file there is replaced.", show_default=False),
]


def export(
    log: LogArgument,
    to: Annotated[Format, typer.Option("--to", help="The format.", show_default=False)],
    output: OutOption,
    min_score: Annotated[
        float | None, typer.Option("--min-score", help="Only episodes that end with this score.", show_default=False)
    ] = None,
    only_passed: Annotated[bool, typer.Option("--only-passed", help="Only those that end with every test passed.")] = (
        False
    ),
) -> None:
    """Write logged episodes to a file, complete or not at all."""
    from deepgym_env.episodes import export as write
    from deepgym_env.episodes import read_episodes, select
    from deepgym_env.episodes.log import log_files

    total = count(log)
    if output.exists() and any(output.samefile(file) for file in log_files(log)):
        raise ConfigError(f"{output}: --output must be another file than LOG")
    with progress_bar() as progress:
        episodes = progress.track(read_episodes(log), total=total, description="exporting")
        written = write(select(episodes, min_score, only_passed), to.value, output)
    stdout().print(f"{written} of {total} episodes in {one_line(str(output), markup=True)}", soft_wrap=True)
