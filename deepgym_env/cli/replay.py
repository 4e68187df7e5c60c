"""``deepgym replay``: run logged episodes again and prove that the same comes out."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepgym_env.cli.console import one_line, print_json, progress_bar, stdout
from deepgym_env.cli.failures import ExitCode, complain
from deepgym_env.cli.inputs import ImageOption, JsonOption, ModeOption, examples
from deepgym_env.errors import ConfigError

if TYPE_CHECKING:
    from deepgym_env.episodes import Episode

__all__ = ["EXAMPLES", "LogArgument", "count", "replay"]

EXAMPLES = examples(
    "deepgym replay episodes.jsonl",
    "deepgym replay episodes.jsonl --episode 3 --json",
    after=(
        "The full files of a log (episodes.jsonl.1, …) are read with it. Only logs of registered environments run.",
    ),
)

_SHOWN = 200

LogArgument = Annotated[
    Path, typer.Argument(metavar="LOG", help="The file EpisodeLogger writes to.", show_default=False)
]


def replay(
    log: LogArgument,
    episode: Annotated[
        int | None, typer.Option("--episode", min=1, help="Only this one, counted from 1.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
    mode: ModeOption = None,
    image: ImageOption = None,
) -> None:
    """Run every action again: exits with 0 if all is equal, 1 if something differs, 3 without a verdict."""
    total = count(log)
    if episode is not None and episode > total:
        raise ConfigError(f"{log}: no episode {episode}, there are {total}")
    rows = _replay_all(log, range(total) if episode is None else range(episode - 1, episode))
    counts = Counter(row["status"] for row in rows)
    summary = {
        "episodes": len(rows),
        "turns": sum(row["turns"] for row in rows),
        **{status: counts[status] for status in ("equal", "different", "no_verdict", "unreplayable")},
    }
    if as_json:
        print_json({**summary, "results": rows})
    else:
        _print(summary, rows)
    _end(summary)


def count(log: Path) -> int:
    """Return how many episodes a log has.

    Raises:
        ConfigError: If it has none.
    """
    from deepgym_env.episodes import count_episodes

    total = count_episodes(log)
    if not total:
        raise ConfigError(f"{log}: no episodes; EpisodeLogger writes each when it ends")
    return total


def _replay_all(log: Path, wanted: range) -> list[dict[str, Any]]:
    from deepgym_env.envs.shared_engine import lease_engine
    from deepgym_env.episodes import replay as run_again

    rows = []
    owner = type("Owner", (), {})()
    lease = lease_engine(owner)  # one engine for all episodes, though each has an environment of its own
    try:
        with progress_bar() as progress:
            bar = progress.add_task("replaying", total=len(wanted))
            for number, episode in _chosen(log, wanted):
                result = dataclasses.asdict(run_again(episode))
                rows.append({"episode": number, "task": episode.task, **result})
                progress.advance(bar)
    finally:
        lease.release()
    return rows


def _chosen(log: Path, wanted: range) -> Iterator[tuple[int, Episode]]:
    from deepgym_env.episodes import read_episodes

    yield from islice(enumerate(read_episodes(log), 1), wanted.start, wanted.stop)


def _print(summary: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    console = stdout()
    for row in rows:
        if row["status"] == "equal" and not row["detail"]:
            continue
        where = "" if row["turn"] is None else f", turn {row['turn']}" if row["turn"] else ", reset"
        title = one_line(f"episode {row['episode']} ({row['task']}){where}: {row['status']}", markup=True)
        story = ", but ".join(filter(None, (row["what"], row["detail"])))
        console.print(f"[bold]{title}[/]  {one_line(story, markup=True)}", soft_wrap=True)
        if row["status"] == "different":
            for name in ("logged", "replayed"):
                text = one_line(json.dumps(row[name], ensure_ascii=False), _SHOWN, markup=True)
                console.print(f"  {name:<9}{text}", soft_wrap=True)
    colour = "green" if summary["equal"] == summary["episodes"] else "red"
    console.print(
        f"[{colour}]{summary['equal']} of {summary['episodes']} episodes equal[/] ({summary['turns']} turns run)"
    )


def _end(summary: dict[str, Any]) -> None:
    """Exit with the code that tells what the replay came to; a difference weighs most."""
    if summary["different"]:
        raise typer.Exit(ExitCode.FAILED)
    if summary["no_verdict"]:
        complain(f"{summary['no_verdict']} episodes have no verdict; `deepgym doctor` says what the sandbox needs")
        raise typer.Exit(ExitCode.INFRASTRUCTURE)
    if summary["unreplayable"]:
        complain(f"{summary['unreplayable']} episodes can't be replayed: the log doesn't hold what it takes")
        raise typer.Exit(ExitCode.BAD_INPUT)
