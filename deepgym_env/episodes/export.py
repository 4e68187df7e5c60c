"""Episodes in the forms training takes.

- :func:`export`: a log, or any episodes, to a file; :data:`FORMATS`: what it knows.
- :func:`sft_row`, :func:`trl_row`: a row of the two chat forms. ``prm``, ``parquet`` and ``minari`` have modules
  of their own.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deepgym_env.episodes.messages import conversation
from deepgym_env.episodes.minari_dataset import write_minari
from deepgym_env.episodes.parquet import write_parquet
from deepgym_env.episodes.prm import prm_row
from deepgym_env.episodes.record import Episode
from deepgym_env.errors import ConfigError

__all__ = ["FORMATS", "export", "replacing", "select", "sft_row", "trl_row", "write_rows"]

Row = dict[str, Any]


def export(episodes: Iterable[Episode], to: str, out: str | os.PathLike[str]) -> int:
    """Write episodes to ``out``, which holds all of them or is left as it was.

    Args:
        episodes: For example of :func:`~deepgym_env.episodes.read_episodes`, :func:`select` ed.
        to: One of :data:`FORMATS`.
        out: A file, replaced if there is one; a new folder for ``minari``.

    Returns:
        How many episodes were written. Chats and ``minari`` skip those without a judged turn.

    Raises:
        ConfigError: If the format is unknown, its library is missing, an episode has not what it needs, or there
            is nothing to write.
    """
    if to not in FORMATS:
        raise ConfigError(f"a format must be one of {', '.join(FORMATS)}, got {to!r}")
    if Path(out).is_dir() and any(Path(out).iterdir()):
        raise ConfigError(f"{os.fspath(out)} is a folder with something in it: name a new one")
    with replacing(Path(out)) as draft:
        count = FORMATS[to](episodes, draft, Path(out).name)
        if not count:
            raise ConfigError(f"no episode to export, so {os.fspath(out)} was not written")
    return count


def select(episodes: Iterable[Episode], min_score: float | None = None, only_passed: bool = False) -> Iterator[Episode]:
    """Yield the episodes whose last state scores at least ``min_score``, or passes every test."""
    for episode in episodes:
        good = min_score is None or (episode.score is not None and episode.score >= min_score)
        if good and (episode.passed is True or not only_passed):
            yield episode


def sft_row(episode: Episode) -> Row | None:
    """Return an OpenAI chat, ``{"messages": [...], "tools": [...]}``, with task, seed, score and passed beside it.

    ``tools`` is there where the episode has them; None if no turn was judged.
    """
    prompt, completion = conversation(episode)
    if not completion:
        return None
    tools = {"tools": episode.tools} if episode.tools else {}
    return {"messages": prompt + completion, **tools, **_facts(episode)}


def trl_row(episode: Episode) -> Row | None:
    """Return TRL's conversational prompt-completion form, with the rewards of each turn beside it.

    Every row has the same columns: ``tools`` is JSON text, which TRL reads, and empty where there
    are none. None if no turn was judged.
    """
    prompt, completion = conversation(episode)
    if not completion:
        return None
    rewards = [turn.reward for turn in episode.judged_turns]
    tools = json.dumps(episode.tools) if episode.tools else ""
    return {"prompt": prompt, "completion": completion, "tools": tools, "rewards": rewards, **_facts(episode)}


def _facts(episode: Episode) -> Row:
    return {"task": episode.task, "seed": episode.seed, "score": episode.score, "passed": episode.passed}


def write_rows(rows: Iterable[Row | None], out: Path) -> int:
    """Write rows as JSON lines; return how many, None left out."""
    count = 0
    with out.open("w", encoding="ascii") as file:
        for row in rows:
            if row is not None:
                file.write(json.dumps(row) + "\n")
                count += 1
    return count


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """Give a path beside ``out`` to write to; it takes the place of ``out`` once all went well."""
    draft = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        yield draft
        draft.replace(out)
    except BaseException:
        if draft.is_dir():
            shutil.rmtree(draft)
        draft.unlink(missing_ok=True)
        raise


def _as_rows(row_of: Callable[[Episode], Row | None]) -> Callable[[Iterable[Episode], Path, str], int]:
    return lambda episodes, out, name: write_rows(map(row_of, episodes), out)


FORMATS: dict[str, Callable[[Iterable[Episode], Path, str], int]] = {
    "sft": _as_rows(sft_row),
    "prm": _as_rows(prm_row),
    "trl": _as_rows(trl_row),
    "parquet": write_parquet,
    "minari": write_minari,
}
