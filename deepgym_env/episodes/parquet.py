"""Episodes as a Parquet table.

- :func:`write_parquet`: one row per turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from deepgym_env.episodes.messages import action_text
from deepgym_env.episodes.record import Episode, Turn
from deepgym_env.episodes.text import storable
from deepgym_env.errors import ConfigError
from deepgym_env.optional import require

__all__ = ["write_parquet"]

_ROWS = 4096  # of a row group: written as it fills, so that a log need not fit into memory

Row = dict[str, Any]


def write_parquet(episodes: Iterable[Episode], out: Path, name: str = "") -> int:
    """Write one row per turn, its episode's facts beside it; return the number of episodes.

    ``episode`` and ``turn`` count from 0. Observations and actions that are no text are JSON text.
    Lone surrogates become U+FFFD.
    """
    pa, pq = require("pyarrow", "parquet", "export"), require("pyarrow.parquet", "parquet", "export")
    schema = _schema(pa)
    count = 0

    def rows() -> Iterator[Row]:
        nonlocal count
        for episode in episodes:
            shared = _episode_columns(episode)
            for number, turn in enumerate(episode.turns):
                yield {"episode": count, "turn": number, **shared, **_turn_columns(turn)}
            count += 1

    rest = rows()
    with pq.ParquetWriter(out, schema) as writer:
        while batch := list(islice(rest, _ROWS)):
            try:
                writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
                raise ConfigError(f"an episode doesn't fit the table: {error}") from error
    return count


def _schema(pa: Any) -> Any:
    text, vector = pa.string(), pa.list_(pa.float32())
    test = pa.struct([("id", text), ("public", pa.bool_()), ("status", text), ("score", pa.float32())])
    columns = [
        ("episode", pa.int64()),
        ("turn", pa.int32()),
        ("env", text),
        ("task", text),
        ("task_seed", pa.uint64()),
        ("seed", pa.uint64()),
        ("prompt", text),
        ("action", text),
        ("observation", text),
        ("reward", vector),
        ("terminated", pa.bool_()),
        ("truncated", pa.bool_()),
        ("action_valid", pa.bool_()),
        ("has_verdict", pa.bool_()),
        ("evaluated", pa.bool_()),
        ("status", text),
        ("passed", pa.bool_()),
        ("score", pa.float64()),
        ("tests", pa.list_(test)),
        ("reward_components", pa.map_(text, pa.float64())),
        ("episode_return", vector),
        ("episode_score", pa.float64()),
        ("episode_passed", pa.bool_()),
        ("episode_end", text),
    ]
    return pa.schema(columns)


def _episode_columns(episode: Episode) -> Row:
    return {
        "env": storable(str(episode.env["id"])) if episode.env and "id" in episode.env else None,
        "task": None if episode.task is None else storable(episode.task),
        "task_seed": episode.task_seed,
        "seed": episode.seed,
        "prompt": storable(action_text(episode.prompt)),
        "episode_return": episode.returns,
        "episode_score": episode.score,
        "episode_passed": episode.passed,
        "episode_end": episode.end,
    }


def _turn_columns(turn: Turn) -> Row:
    info = turn.info
    columns = ("id", "public", "status", "score")
    tests = [{key: _cell(test[key]) for key in columns} for test in info["tests"]] if "tests" in info else None
    told = ("action_valid", "has_verdict", "evaluated", "status", "passed", "score")
    components = info.get("reward_components")
    return {
        "action": storable(action_text(turn.action)),
        "observation": storable(action_text(turn.observation)),
        "reward": turn.reward,
        "terminated": turn.terminated,
        "truncated": turn.truncated,
        **{key: _cell(info.get(key)) for key in told},
        "tests": tests,
        "reward_components": None if components is None else [(storable(key), components[key]) for key in components],
    }


def _cell(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value
