"""Collects the turns of one environment and hands each finished episode to the log.

- :class:`Recorder`
- :func:`spec_of_env`, :func:`spec_json`, :func:`rng_state`, :func:`task_seed_of`: what a record says about an
  environment.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import time
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

from deepgym_env.episodes.log import EpisodeWriter
from deepgym_env.episodes.record import End, Episode, Turn, plain, plain_observation
from deepgym_env.task import SubmissionTask, WorkspaceTask

__all__ = ["Recorder", "rng_state", "spec_json", "spec_of_env", "task_seed_of"]


class Recorder:
    """Follows the episodes of one environment, or of one sub-environment of a vector.

    An episode of no turns is not written: every episode after an autoreset begins as one.
    """

    def __init__(self, writer: EpisodeWriter, env: dict[str, Any] | None) -> None:
        """Write to ``writer`` the episodes of the environment with the spec ``env``."""
        self._writer = writer
        self._env = env
        self._latest_seed: int | None = None
        self._start: dict[str, Any] | None = None
        self._turns: list[Turn] = []
        self._began = 0.0
        self._clock = 0.0

    def begin(
        self,
        observation: Any,
        info: dict[str, Any],
        *,
        seed: int | None,
        rng: str | None,
        options: dict[str, Any] | None,
        task_seed: int | None,
    ) -> None:
        """Begin an episode.

        Args:
            observation: What the reset returned.
            info: The same.
            seed: Seed it was given.
            rng: Where it was given none: :func:`rng_state` before it, None if that is unknown.
            options: Options it was given, :func:`~deepgym_env.episodes.record.plain`.
            task_seed: :func:`task_seed_of` the environment after it.
        """
        if seed is not None:
            self._latest_seed = seed
        self._start = {
            "env": self._env,
            "task": info.get("task"),
            "task_seed": task_seed,
            "seed": seed,
            "rng": None if seed is not None or rng is None else {"seed": self._latest_seed, "state": rng},
            "options": options,
            "prompt": plain_observation(observation),
            "tools": plain(info.get("tools", [])),
        }
        self._turns = []
        self._began, self._clock = time.time(), time.monotonic()

    def add(
        self,
        action: tuple[Any, str],
        observation: Any,
        reward: Any,
        terminated: Any,
        truncated: Any,
        info: dict[str, Any],
    ) -> None:
        """Add a turn, its action as :func:`plain_action` gave it; the last one of an episode writes it."""
        if self._start is None:
            return
        self._turns.append(Turn.of(action, observation, reward, terminated, truncated, info))
        if terminated or truncated:
            self.end("terminated" if terminated else "truncated")

    def end(self, end: End) -> None:
        """Write the episode under way, if there is one."""
        start, turns, self._start, self._turns = self._start, self._turns, None, []
        if start is None or not turns:
            return
        wall = {"began": self._began, "seconds": time.monotonic() - self._clock}
        self._writer.append(Episode(**start, turns=turns, end=end, wall=wall))


def spec_of_env(env: gym.Env[Any, Any]) -> EnvSpec | None:
    """Return the spec of an environment with its wrappers; the engine it was made with changes no verdict, so it is
    left out.
    """
    spec = env.unwrapped.spec
    if spec is not None and "engine" in spec.kwargs:
        env = _without_engine(env)
    return env.spec


def _without_engine(env: gym.Env[Any, Any]) -> gym.Env[Any, Any]:
    """Return a copy that is good for its spec only: an engine can't be copied, as Gymnasium does with a spec."""
    twin = copy.copy(env)
    if isinstance(twin, gym.Wrapper):
        twin.env, twin._cached_spec = _without_engine(twin.env), None
    elif twin.spec is not None:
        kwargs = {key: value for key, value in twin.spec.kwargs.items() if key != "engine"}
        twin.spec = dataclasses.replace(twin.spec, kwargs=kwargs)
    return twin


def spec_json(spec: EnvSpec | None) -> dict[str, Any] | None:
    """Return a spec as JSON, or None if there is none or it holds what JSON can't."""
    try:
        return None if spec is None else dict(json.loads(spec.to_json()))
    except (TypeError, ValueError):
        return None


def task_seed_of(env: gym.Env[Any, Any]) -> int | None:
    """Return the seed of an environment's task; None if it isn't one of ours."""
    task = getattr(env.unwrapped, "task", None)
    return task.seed if isinstance(task, SubmissionTask | WorkspaceTask) else None


def rng_state(generator: np.random.Generator) -> str:
    """Return a generator's state as JSON text."""
    return json.dumps(generator.bit_generator.state)
