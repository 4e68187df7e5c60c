"""What is written of an episode once it is over: a line of the log that ``/ui`` shows.

- :class:`Record`
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any

import gymnasium as gym

from deepgym_env.catalog import gym_id
from deepgym_env.envs.episode import Transition
from deepgym_env.episodes import Episode, EpisodeWriter, Turn
from deepgym_env.episodes.record import End, plain, plain_action
from deepgym_env.episodes.recorder import spec_json, spec_of_env
from deepgym_env.remote.wire_sessions import StartSession
from deepgym_env.task import AnyTask

__all__ = ["Record"]

_log = logging.getLogger("deepgym.server")


@dataclass(slots=True)
class Record:
    """An episode's turns so far; without a log nothing is kept.

    Attributes:
        writer: The log.
        start: What is known when it begins.
        turns: Its turns.
        began: When it began, for people.
        written: Whether it is in the log.
    """

    writer: EpisodeWriter | None
    start: dict[str, Any]
    turns: tuple[Turn, ...] = ()
    began: float = 0.0
    written: bool = False

    @classmethod
    async def begun(
        cls, writer: EpisodeWriter | None, started: StartSession, task: AnyTask, shown: str, info: dict[str, Any]
    ) -> Record:
        """Begin the record of an episode that has just been reset."""
        if writer is None:
            return cls(None, {})
        start = {
            "env": await asyncio.to_thread(_env_json, started),
            "task": task.id,
            "task_seed": task.seed,
            "seed": task.seed,
            "rng": None,
            "options": None,
            "prompt": shown,
            "tools": plain(info["tools"]),
        }
        return cls(writer, start, began=time.time())

    def copy(self) -> Record:
        """Return the record of an episode that goes on from here."""
        return Record(self.writer, self.start, self.turns, self.began)

    async def add(self, action: Any, transition: Transition) -> None:
        """Add a turn; the last one of the episode writes it."""
        if self.writer is None:
            return
        self.turns = (*self.turns, Turn.of(plain_action(action), *transition))
        if transition.terminated or transition.truncated:
            await self.cut_off("terminated" if transition.terminated else "truncated")

    async def cut_off(self, end: End) -> None:
        """Write the episode, unless it is written or has no turns."""
        if self.writer is None or self.written or not self.turns:
            return
        self.written = True
        wall = {"began": self.began, "seconds": time.time() - self.began}
        episode = Episode(**self.start, turns=list(self.turns), end=end, wall=wall)
        try:
            await asyncio.to_thread(self.writer.append, episode)
        except OSError as error:  # no reason to fail a step that was taken
            _log.warning("an episode could not be written to %s: %s", self.writer.path, error)


def _env_json(started: StartSession) -> dict[str, Any] | None:
    """Return the spec of the environment that replays such an episode; None of a task by value."""
    if started.environment is None:
        return None
    asked: dict[str, Any] = {"max_turns": started.max_turns, "dense": started.dense}
    try:
        env = gym.make(gym_id(started.environment), **{key: value for key, value in asked.items() if value})
    except gym.error.Error:
        return None
    return spec_json(spec_of_env(env))
