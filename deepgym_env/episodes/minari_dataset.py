"""Episodes as a Minari dataset.

- :func:`write_minari`
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.envs.registration import EnvSpec

from deepgym_env.envs.spaces import UnicodeText
from deepgym_env.episodes.messages import action_text
from deepgym_env.episodes.record import Episode
from deepgym_env.episodes.replay import spec_of
from deepgym_env.episodes.text import storable
from deepgym_env.errors import ConfigError
from deepgym_env.optional import require

__all__ = ["write_minari"]

_ID = re.compile(r"[-\w]+-v\d+")


def write_minari(episodes: Iterable[Episode], out: Path, name: str = "") -> int:
    """Write a Minari dataset with the id ``name`` into the new folder ``out``; return the number of episodes.

    ``minari.load_dataset(name)`` finds it with ``MINARI_DATASETS_PATH`` set to the folder it is in.
    Observations and actions are text (JSON text for those that aren't), rewards vectors: so it is HDF5,
    Minari's only form that holds them. NUL and lone surrogates, which HDF5 can't hold, become
    U+FFFD. The turn an infrastructure failure ended is left out, and the last turn of an episode
    that didn't end is marked as truncated, as Minari does. If all episodes are of one environment,
    ``recover_environment()`` makes it.

    Raises:
        ConfigError: If Minari is missing, or ``name`` is no dataset id, such as ``coin_change-v0``.
    """
    if not _ID.fullmatch(name):
        raise ConfigError(f"a Minari dataset's folder is named like coin_change-v0, with a version, got {name!r}")
    minari = require("minari", "minari", "export")
    for needed in ("h5py", "PIL"):
        require(needed, "minari", "export")
    storages = require("minari.dataset.minari_storage", "minari", "export")
    exported = [episode for episode in episodes if episode.judged_turns]
    if not exported:
        return 0
    out.mkdir()
    storage = storages.MinariStorage.new(
        out / "data",
        observation_space=UnicodeText(),
        action_space=UnicodeText(),
        env_spec=_common_spec(exported),
        data_format="hdf5",
    )
    storage.update_metadata({"dataset_id": name, "minari_version": minari.__version__})
    storage.update_episodes(_buffers(exported))
    return len(exported)


def _common_spec(episodes: list[Episode]) -> EnvSpec | None:
    if any(episode.env != episodes[0].env for episode in episodes):
        return None
    try:
        return spec_of(episodes[0])
    except ConfigError:
        return None


def _buffers(episodes: Iterable[Episode]) -> Iterator[Any]:
    buffer = require("minari.data_collector", "minari", "export").EpisodeBuffer
    for episode in episodes:
        turns = episode.judged_turns
        terminated = turns[-1].terminated
        yield buffer(
            seed=episode.seed,
            options=None if episode.options is None else {"json": json.dumps(episode.options)},
            observations=[_text(episode.prompt), *(_text(turn.observation) for turn in turns)],
            actions=[_text(turn.action) for turn in turns],
            rewards=[np.array(turn.reward, dtype=np.float32) for turn in turns],
            terminations=[turn.terminated for turn in turns],
            truncations=[turn.truncated for turn in turns[:-1]] + [turns[-1].truncated or not terminated],
        )


def _text(value: Any) -> str:
    return storable(action_text(value)).replace("\0", "\ufffd")
