"""Runs logged episodes again and compares what comes out.

- :func:`replay`: one episode to a :class:`Replay`.
- :func:`rebuild`: the environment of an episode.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

from deepgym_env.catalog import load_task
from deepgym_env.envs.mixture import MixtureEnv
from deepgym_env.episodes.record import LATER_KEYS, Episode, Turn, plain, plain_observation
from deepgym_env.episodes.recorder import task_seed_of
from deepgym_env.errors import ConfigError, DeepGymError, SandboxError, TaskError

__all__ = ["Replay", "ReplayStatus", "rebuild", "replay", "spec_of"]

ReplayStatus = Literal["equal", "different", "no_verdict", "unreplayable"]

# A log is data: what it names as code must be what is installed and registered here anyway.
_WRAPPERS = ("deepgym_env.wrappers.", "gymnasium.wrappers.", "mo_gymnasium.wrappers.")
_WRITERS = ("EpisodeLogger", "RecordVideo")  # they write files and change nothing else
_REWARDS = ("reward", "terminated", "truncated")


@dataclass(frozen=True)
class Replay:
    """What replaying an episode came to.

    Attributes:
        status: ``equal``; ``different``; ``no_verdict``: the infrastructure failed this time, which says nothing
            about the log; ``unreplayable``: the log doesn't hold what it takes.
        turns: Turns that were run and found equal.
        turn: Turn of the first difference or failure, 0 for the reset.
        what: What differs.
        logged: Its value in the log.
        replayed: Its value now.
        detail: One sentence more, for a person.
    """

    status: ReplayStatus
    turns: int
    turn: int | None = None
    what: str = ""
    logged: Any = None
    replayed: Any = None
    detail: str = ""


def replay(episode: Episode, env: gym.Env[Any, Any] | None = None) -> Replay:
    """Run an episode again, and compare everything but the wall time.

    After a first difference in what the agent was told it goes on, to see whether the rewards are
    equal. A turn the infrastructure failed in when it was logged ends the comparison: it can't be
    repeated.

    Args:
        episode: The episode.
        env: The environment, not reset since it was made; by default :func:`rebuild` makes it, and it is closed.
    """
    try:
        made = env or rebuild(episode)
    except ConfigError as error:
        return Replay("unreplayable", 0, detail=str(error))
    turns: list[Turn] = []
    try:
        return _compare(episode, made, turns)
    except ConfigError as error:
        return Replay("unreplayable", len(turns), len(turns), detail=str(error))
    except SandboxError as error:
        return Replay("no_verdict", len(turns), len(turns), detail=str(error))
    finally:
        if env is None:
            made.close()


def rebuild(episode: Episode) -> gym.Env[Any, Any]:
    """Make the environment an episode was logged from, wrappers included.

    Raises:
        ConfigError: If it can't be made, or the log names code that isn't registered here.
    """
    spec = spec_of(episode)
    try:
        return gym.make(spec)
    except (gym.error.Error, DeepGymError, TypeError, ValueError, ImportError, AttributeError, LookupError) as error:
        raise ConfigError(f"the environment {spec.id!r} can't be made as the log has it: {error}") from error


def spec_of(episode: Episode) -> EnvSpec:
    """Return the spec of an episode's environment, without wrappers that write files.

    Raises:
        ConfigError: If there is none, or it names code that isn't registered here.
    """
    if episode.env is None:
        raise ConfigError("the log has no spec of the environment: pass the environment to replay()")
    try:
        spec = EnvSpec.from_json(json.dumps(episode.env))
    except (ValueError, TypeError, KeyError, AttributeError, gym.error.Error) as error:
        raise ConfigError(f"the log's spec of the environment is broken: {error}") from error
    known = gym.registry.get(spec.id)
    if known is None:
        raise ConfigError(f"no environment {spec.id!r} is registered: import the package that registers it")
    if known.entry_point != spec.entry_point:
        raise ConfigError(f"{spec.id!r} is another environment here: {known.entry_point!r}, not {spec.entry_point!r}")
    wrappers = [wrapper for wrapper in spec.additional_wrappers if wrapper.name not in _WRITERS]
    for wrapper in wrappers:
        if not str(wrapper.entry_point).startswith(_WRAPPERS):
            raise ConfigError(f"the wrapper {wrapper.entry_point!r} is none of {', '.join(_WRAPPERS)}")
    spec.additional_wrappers = tuple(wrappers)
    return spec


def _compare(episode: Episode, env: gym.Env[Any, Any], turns: list[Turn]) -> Replay:
    _choose_task(episode, env)
    observation, info = _reset(episode, env)
    if not info.get("has_verdict", True):
        return Replay("no_verdict", 0, 0, detail="the environment could not be reset")
    begun = {
        "task": info.get("task"),
        "task_seed": task_seed_of(env) if episode.task_seed is not None else None,
        "prompt": plain_observation(observation),
        "tools": plain(info.get("tools", [])),
    }
    for what, value in begun.items():
        if not _same(getattr(episode, what), value):
            return Replay("different", 0, 0, what, getattr(episode, what), value)
    first: Replay | None = None
    for number, logged in enumerate(episode.turns, 1):
        if logged.action_lost:
            raise ConfigError(f"its action was a {logged.action_lost}, which JSON can't hold")
        if not logged.has_verdict:
            return first or Replay("equal", len(turns), detail=f"turn {number} had no verdict when it was logged")
        turn = Turn.of((logged.action, ""), *env.step(logged.action))
        if not turn.has_verdict:
            return first or Replay("no_verdict", len(turns), number, detail=str(turn.observation))
        differences = list(_differences(logged, turn))
        if differences and first is None:
            first = Replay("different", len(turns), number, *differences[0])
        if first is None:
            turns.append(turn)
        elif any(what in _REWARDS for what, *_ in differences):
            return first  # from here on the two are different episodes
    return replace(first, detail="all rewards are equal") if first else Replay("equal", len(turns))


def _choose_task(episode: Episode, env: gym.Env[Any, Any]) -> None:
    """Have a mixture choose the task it chose: what its sampler had learnt by then is not in the log."""
    mixture = env.unwrapped
    if isinstance(mixture, MixtureEnv) and episode.task is not None:
        try:
            task = load_task(episode.task, episode.task_seed or 0)
        except TaskError as error:
            raise ConfigError(str(error)) from error
        mixture.draw = lambda seed: task  # type: ignore[method-assign]


def _reset(episode: Episode, env: gym.Env[Any, Any]) -> tuple[Any, dict[str, Any]]:
    """Reset as the log says, with a seed or from a state of the random generator."""
    if episode.seed is not None:
        return env.reset(seed=episode.seed, options=episode.options)
    if episode.rng is None:
        raise ConfigError("the log doesn't say what its reset drew from: neither a seed nor a random generator's state")
    if episode.rng.get("seed") is not None:
        env.reset(seed=episode.rng["seed"])
    generator = np.random.Generator(np.random.PCG64())
    try:
        generator.bit_generator.state = json.loads(episode.rng["state"])
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"the log's state of the random generator is broken: {error!r}") from error
    env.unwrapped.np_random = generator
    return env.reset(options=episode.options)


def _differences(logged: Turn, now: Turn) -> Iterator[tuple[str, Any, Any]]:
    for name in (*_REWARDS, "observation"):
        if not _same(getattr(logged, name), getattr(now, name)):
            yield name, getattr(logged, name), getattr(now, name)
    told = [key for key in now.info if key not in LATER_KEYS]  # an older log can't have it
    for key in dict.fromkeys([*logged.info, *told]):
        before, after = logged.info.get(key), now.info.get(key)
        if not _same(before, after):
            yield f"info[{key!r}]", before, after


def _same(one: Any, other: Any) -> bool:
    """Compare values of JSON, not-a-number equal to itself."""
    return bool(one == other) or json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
