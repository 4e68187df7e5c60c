"""Episodes under way, by key: for protocols that name an episode in each call and may never end it.

- :class:`LiveEpisodes`: what a server or a trainer's tool keeps between calls.
- :class:`LiveEpisode`: one of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from deepgym_env.blocking import DeepGym
from deepgym_env.engine import Environment
from deepgym_env.envs.coding import CodingEnv
from deepgym_env.envs.episode import Action
from deepgym_env.envs.shared_engine import HeldEngine
from deepgym_env.errors import ConfigError, RefusedError

__all__ = ["LiveEpisode", "LiveEpisodes"]


class LiveEpisode:
    """An episode under way; one call at a time.

    Attributes:
        env: Its environment.
        owner: Whose it is, where there are several.
        observation: What was shown last.
        info: The last info.
        terminated: Whether it was solved or submitted.
        truncated: Whether it was cut off, by the turns or by an infrastructure failure.
        returned: Sum of the rewards so far, the mean over the tests.
        earned: The last of them.
        answered: For protocols that may ask twice for one turn: the last action, and what was answered.
    """

    def __init__(self, env: CodingEnv, seed: int | None) -> None:
        """Begin an episode."""
        self.env = env
        self.owner = ""
        self.lock = threading.Lock()
        self.touched = time.monotonic()
        self.observation, self.info = env.reset(seed=seed)
        self.terminated = self.truncated = False
        self.returned = self.earned = 0.0
        self.answered: tuple[Action, Any] | None = None

    @property
    def busy(self) -> bool:
        """Whether a call is under way."""
        return self.lock.locked()

    @property
    def over(self) -> bool:
        """Whether no step can be taken any more."""
        return self.terminated or self.truncated

    @property
    def score(self) -> float | None:
        """Mean over the tests of the state judged last, 0..1; None without a verdict."""
        return float(self.info["score"]) if self.info["has_verdict"] else None

    def step(self, action: Action) -> str:
        """Take a turn; return what it answered."""
        self.observation, reward, self.terminated, self.truncated, self.info = self.env.step(action)
        self.earned = float(reward.mean())
        self.returned += self.earned
        return self.observation


class LiveEpisodes:
    r"""Keeps episodes by key; safe to share between threads.

    An episode that nobody asks for ends after ``ttl`` seconds, since many trainers never end theirs.

    Example:
        >>> live = LiveEpisodes()
        >>> live.start("trajectory 1", "reverse_string").observation[:17]
        'Write a function '
        >>> episode = live.step("trajectory 1", "def reverse_string(s): return s[::-1]")
        >>> episode.over, episode.score
        (True, 1.0)
        >>> live.close()
    """

    def __init__(
        self,
        *,
        ttl: float = 3600.0,
        capacity: int = 4096,
        share: int | None = None,
        engine: DeepGym | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep no episode yet.

        Args:
            ttl: Seconds after which an episode nobody asked for is ended.
            capacity: Most episodes at a time.
            share: Most of them that one owner may have; None: all.
            engine: The engine that judges; by default this process's.
            clock: Seconds that only grow.
        """
        if ttl <= 0 or capacity < 1:
            raise ConfigError(f"ttl must be positive and capacity at least 1, got {ttl!r} and {capacity!r}")
        self._ttl, self._capacity, self._engine, self._clock = ttl, capacity, HeldEngine(engine), clock
        self._share = capacity if share is None else share
        self._lock = threading.Lock()
        self._episodes: dict[str, LiveEpisode] = {}

    def start(
        self,
        key: str,
        task: Environment | str,
        *,
        seed: int | None = None,
        max_turns: int | None = None,
        dense: bool = False,
        owner: str = "",
    ) -> LiveEpisode:
        """Begin an episode under a key; one that is there already is ended.

        The options are those of :class:`~deepgym_env.envs.CodingEnv`; ``owner`` is whose share it counts for.

        Raises:
            UnknownTaskError: If there is no such task.
            RefusedError: If there are as many as may be.
        """
        self.sweep()
        self.end(key)
        if len(self) >= self._capacity:
            raise RefusedError(f"{self._capacity} episodes are under way, the most there may be: end some")
        if owner and self._held_by(owner) >= self._share:
            raise RefusedError(f"{self._share} episodes of this key are under way, the most one may have: end some")
        episode = LiveEpisode(CodingEnv(task, max_turns=max_turns, dense=dense, engine=self._engine()), seed)
        episode.owner, episode.touched = owner, self._clock()
        with self._lock:
            self._episodes[key] = episode
        return episode

    def get(self, key: str) -> LiveEpisode | None:
        """Return the episode of a key; None if there is none, or it was ended."""
        with self._lock:
            episode = self._episodes.get(key)
            if episode is not None:
                episode.touched = self._clock()
            return episode

    def step(self, key: str, action: Action) -> LiveEpisode:
        """Take a turn in the episode of a key; return the episode.

        Raises:
            RefusedError: If there is none.
            ResetNeeded: If it is over.
        """
        episode = self.get(key)
        if episode is None:
            raise RefusedError(f"no episode {key!r} is under way: it was ended, or never begun")
        with episode.lock:
            episode.step(action)
            episode.touched = self._clock()
        return episode

    def end(self, key: str) -> None:
        """End the episode of a key, if there is one."""
        with self._lock:
            episode = self._episodes.pop(key, None)
        if episode is not None:
            with episode.lock:
                episode.env.close()

    def sweep(self) -> int:
        """End the episodes nobody has asked for in ``ttl`` seconds; return how many."""
        now = self._clock()
        with self._lock:
            idle = [
                key for key, one in self._episodes.items() if now - one.touched > self._ttl and not one.lock.locked()
            ]
        for key in idle:
            self.end(key)
        return len(idle)

    def close(self) -> None:
        """End them all, and give the share in the process's engine back; more can be begun all the same."""
        with self._lock:
            keys = list(self._episodes)
        for key in keys:
            self.end(key)
        self._engine.release()

    def _held_by(self, owner: str) -> int:
        with self._lock:
            return sum(episode.owner == owner for episode in self._episodes.values())

    def __len__(self) -> int:
        """Return how many are under way."""
        with self._lock:
            return len(self._episodes)

    def __enter__(self) -> LiveEpisodes:
        """Return itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """End them all."""
        self.close()
