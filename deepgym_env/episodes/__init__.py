"""Logs of episodes: written as they end, run again, exported for training.

- :class:`EpisodeWriter`, :func:`read_episodes`: the log; :class:`Episode` and :class:`Turn`: what is in it.
- :func:`replay`: run an episode again and compare; :class:`Replay`: what that came to.
- :func:`export`: episodes to SFT, PRM, TRL, Parquet or Minari; :func:`select`: only the good ones.
- :func:`generate_prm`: labelled steps out of solutions.

:class:`deepgym_env.wrappers.EpisodeLogger` writes them.
"""

from __future__ import annotations

from deepgym_env.episodes.export import FORMATS, export, select
from deepgym_env.episodes.log import EpisodeWriter, count_episodes, read_episodes
from deepgym_env.episodes.prm import generate_prm
from deepgym_env.episodes.record import Episode, Turn
from deepgym_env.episodes.replay import Replay, replay

__all__ = [
    "FORMATS",
    "Episode",
    "EpisodeWriter",
    "Replay",
    "Turn",
    "count_episodes",
    "export",
    "generate_prm",
    "read_episodes",
    "replay",
    "select",
]
