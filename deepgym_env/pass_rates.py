"""How often tasks were solved, measured in a log.

- :func:`read_pass_rates`: of the results of ``deepgym eval``, or of a log of episodes.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from deepgym_env.errors import ConfigError

__all__ = ["Rates", "read_pass_rates"]

Rates = str | os.PathLike[str] | Mapping[str, float]
_EPISODE = '{"schema_version": '  # how each line of a log of episodes begins


def read_pass_rates(log: Rates) -> dict[str, float]:
    """Return the share of attempts at each task that passed every test; attempts without a verdict don't count.

    Args:
        log: The results file of ``deepgym eval``, a log of :class:`~deepgym_env.wrappers.EpisodeLogger`, or the
            rates themselves by task.

    Raises:
        ConfigError: If it can't be read, holds something else, or no verdict.

    Example:
        >>> read_pass_rates({"DeepGym/fizzbuzz": 0.25})
        {'fizzbuzz': 0.25}
    """
    if isinstance(log, Mapping):
        return {_bare(task): float(rate) for task, rate in log.items()}
    seen: defaultdict[str, list[bool]] = defaultdict(list)
    for task, passed in _verdicts(Path(log)):
        seen[_bare(task)].append(passed)
    if not seen:
        raise ConfigError(f"{os.fspath(log)}: no verdict in it: `deepgym eval` or an EpisodeLogger writes some")
    return {task: sum(each) / len(each) for task, each in seen.items()}


def _bare(task: str) -> str:
    return task.removeprefix("DeepGym/")


def _verdicts(path: Path) -> Iterator[tuple[str, bool]]:
    try:
        with path.open(encoding="utf-8") as file:
            if file.read(len(_EPISODE)) == _EPISODE:
                yield from _of_episodes(path)
                return
            file.seek(0)
            for number, line in enumerate(file, 1):
                yield from _of_result(path, number, line)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read: {error}: pass rates are measured by `deepgym eval`") from error


def _of_episodes(path: Path) -> Iterator[tuple[str, bool]]:
    from deepgym_env.episodes import read_episodes  # which plays episodes again, so it needs the environments

    for episode in read_episodes(path):
        if episode.task is not None and episode.passed is not None and all(turn.has_verdict for turn in episode.turns):
            yield episode.task, episode.passed


def _of_result(path: Path, number: int, line: str) -> Iterator[tuple[str, bool]]:
    if not line.endswith("\n"):  # torn by an interruption
        return
    try:
        record = json.loads(line)
        if record["has_verdict"]:
            yield str(record["task"]), bool(record["passed"])
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: line {number} is no result of deepgym eval, and no episode") from error
