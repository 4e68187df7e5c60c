"""Writes episodes to a log from which each can be run again, and exported for training.

- :class:`EpisodeLogger`: for an environment.
- :class:`VectorEpisodeLogger`: for a vector of them.

What is in a line: :class:`deepgym_env.episodes.Episode`. ``deepgym replay`` and ``deepgym export`` read it.

A ``reset`` without a seed goes on with the environment's random numbers, and the logger doesn't
change that: logged or not, the same episodes come. So that such a record can still be replayed
alone, it holds the state of the random generator that the reset began with, and the latest seed
before it. That is exact if ``reset`` depends on these and its options only, as it does for every
DeepGym task; wrap an environment before its first reset, for earlier seeds are not known. Jumps by
``restore()`` are no turns, so an episode with one replays differently: log each branch by itself.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv, VectorWrapper
from gymnasium.vector.utils import iterate

from deepgym_env.episodes.log import MAX_BYTES, EpisodeWriter
from deepgym_env.episodes.record import plain, plain_action
from deepgym_env.episodes.recorder import Recorder, rng_state, spec_json, spec_of_env, task_seed_of
from deepgym_env.errors import ConfigError
from deepgym_env.wrappers.autoreset import Autoreset, Mask, final_of, info_of

__all__ = ["EpisodeLogger", "VectorEpisodeLogger"]


class EpisodeLogger(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Appends each episode to a log when it ends, as one line that is whole even if the process is killed.

    An episode that ``reset()`` or ``close()`` cuts off is written as unfinished, with that as its
    ``end``; one without a single turn is not written. What it logs is what passes through it:
    wrappers around it don't show.

    Example:
        >>> import tempfile
        >>> import deepgym_env
        >>> from deepgym_env.episodes import read_episodes
        >>> folder = tempfile.TemporaryDirectory()
        >>> env = EpisodeLogger(gym.make("DeepGym/reverse_string"), folder.name + "/episodes.jsonl")
        >>> _ = env.reset(seed=0)
        >>> _ = env.step("def reverse_string(s): return s[::-1]")
        >>> env.close()
        >>> [(episode.task, episode.end, episode.score) for episode in read_episodes(folder.name + "/episodes.jsonl")]
        [('reverse_string', 'terminated', 1.0)]
        >>> folder.cleanup()
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        path: str | os.PathLike[str],
        *,
        max_bytes: int = MAX_BYTES,
        fsync: bool = False,
    ) -> None:
        """Wrap ``env``.

        Args:
            env: Any environment; what a log tells of tests needs DeepGym's ``info``.
            path: The log; several environments and processes may share it.
            max_bytes: Size at which a file is renamed to ``<path>.1``, ``<path>.2``, …
            fsync: Wait until each episode is on the disk.

        Raises:
            ConfigError: If ``path`` can't be written, or holds something else.
        """
        RecordConstructorArgs.__init__(self, path=os.fspath(path), max_bytes=max_bytes, fsync=fsync)
        gym.Wrapper.__init__(self, env)
        writer = EpisodeWriter(path, max_bytes=max_bytes, fsync=fsync)
        self._recorder = Recorder(writer, spec_json(spec_of_env(env)))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Reset the environment; an episode under way is written as unfinished."""
        self._recorder.end("reset")
        rng = rng_state(self.env.unwrapped.np_random) if seed is None else None
        given = _loggable(options)
        observation, info = self.env.reset(seed=seed, options=options)
        task_seed = task_seed_of(self.env)
        self._recorder.begin(observation, info, seed=seed, rng=rng, options=given, task_seed=task_seed)
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step, and write the episode if it is over."""
        taken = plain_action(action)
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._recorder.add(taken, observation, reward, terminated, truncated, info)
        return observation, reward, terminated, truncated, info

    def close(self) -> None:
        """Close the environment; an episode under way is written as unfinished."""
        self._recorder.end("closed")
        super().close()


class VectorEpisodeLogger(VectorWrapper[Any, Any, Any, Any, Any], RecordConstructorArgs):
    """Logs the episodes of every sub-environment, under any of Gymnasium's autoreset modes.

    The records are those of :class:`EpisodeLogger` around each sub-environment. An autoreset gives
    no seed: its episode can be replayed if the vector environment has ``get_attr``, as Gymnasium's
    and ours have, to ask for the random generators; with same-step autoreset also only if steps
    draw no random numbers, as in every DeepGym task.

    Example:
        >>> import tempfile
        >>> import deepgym_env
        >>> from mo_gymnasium.wrappers.vector import MOSyncVectorEnv
        >>> from deepgym_env.episodes import read_episodes
        >>> folder = tempfile.TemporaryDirectory()
        >>> envs = MOSyncVectorEnv([lambda: gym.make("DeepGym/reverse_string") for _ in range(2)])
        >>> envs = VectorEpisodeLogger(envs, folder.name + "/episodes.jsonl")
        >>> _ = envs.reset(seed=0)
        >>> _ = envs.step(("def reverse_string(s): return s[::-1]", "no idea"))
        >>> envs.close()
        >>> [(episode.seed, episode.end) for episode in read_episodes(folder.name + "/episodes.jsonl")]
        [(0, 'terminated'), (1, 'closed')]
        >>> folder.cleanup()
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        path: str | os.PathLike[str],
        *,
        max_bytes: int = MAX_BYTES,
        fsync: bool = False,
    ) -> None:
        """Wrap ``env``.

        Args:
            env: A vector environment that no wrapper is around yet.
            path: The log; several environments and processes may share it.
            max_bytes: Size at which a file is renamed to ``<path>.1``, ``<path>.2``, …
            fsync: Wait until each episode is on the disk.

        Raises:
            ConfigError: If ``path`` can't be written or holds something else, or ``env`` is wrapped.
        """
        if isinstance(env, VectorWrapper):
            raise ConfigError(
                f"expected a vector environment, got {type(env).__name__} around one, whose changes to rewards and "
                "observations a replay could not repeat: wrap with VectorEpisodeLogger first"
            )
        RecordConstructorArgs.__init__(self, path=os.fspath(path), max_bytes=max_bytes, fsync=fsync)
        VectorWrapper.__init__(self, env)
        writer = EpisodeWriter(path, max_bytes=max_bytes, fsync=fsync)
        self._recorders = [Recorder(writer, spec) for spec in _specs(env)]
        self._autoreset = Autoreset(env)
        self._ended: Mask = np.zeros(env.num_envs, dtype=np.bool_)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Reset all sub-environments, or those of ``options["reset_mask"]``."""
        begun = self._autoreset.chosen(options)
        given = _loggable({key: value for key, value in (options or {}).items() if key != "reset_mask"} or None)
        for index in np.flatnonzero(begun):
            self._recorders[index].end("reset")
        states, before = self._rng_states(), self._rng_seeds()
        observations, infos = self.env.reset(seed=seed, options=options)  # type: ignore[arg-type]
        self._autoreset.reset(begun)
        self._ended = self._ended & ~begun
        seeds = _given(seed, before, self._rng_seeds())
        self._begin(begun, observations, infos, seeds, states, given)
        return observations, infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Step, and write the episodes that are over."""
        taken = [plain_action(action) for action in iterate(self.action_space, actions)]
        resets = self._autoreset.same_step or (self._autoreset.next_step and self._ended.any())
        states = self._rng_states() if resets else [None] * self.num_envs
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        acted, begun = self._autoreset.step(terminations, truncations)
        self._ended = np.logical_or(terminations, truncations)
        for index, observation in enumerate(iterate(self.observation_space, observations)):
            if acted[index]:
                seen = final_of(infos, index) if begun[index] else (observation, info_of(infos, index))
                ends = terminations[index], truncations[index]
                self._recorders[index].add(taken[index], seen[0], rewards[index], *ends, seen[1])
        self._begin(begun, observations, infos, [None] * self.num_envs, states, None)
        return observations, rewards, terminations, truncations, infos

    def close(self, **kwargs: Any) -> None:
        """Close the vector environment; episodes under way are written as unfinished."""
        for recorder in self._recorders:
            recorder.end("closed")
        super().close(**kwargs)

    def _begin(
        self,
        begun: Mask,
        observations: Any,
        infos: dict[str, Any],
        seeds: Sequence[int | None],
        states: Sequence[str | None],
        options: dict[str, Any] | None,
    ) -> None:
        envs = getattr(self.env, "envs", None)
        for index, observation in enumerate(iterate(self.observation_space, observations)):
            if begun[index]:
                self._recorders[index].begin(
                    observation,
                    info_of(infos, index),
                    seed=seeds[index],
                    rng=states[index],
                    options=options,
                    task_seed=None if envs is None else task_seed_of(envs[index]),
                )

    def _rng_states(self) -> Sequence[str | None]:
        """Return the state of each sub-environment's random generator, None where it can't be had."""
        states = [rng_state(generator) for generator in _attributes(self.env, "np_random")]
        return states or [None] * self.num_envs

    def _rng_seeds(self) -> Sequence[int | None]:
        """Return the seed of each sub-environment's random generator, None where it can't be had."""
        return list(_attributes(self.env, "np_random_seed")) or [None] * self.num_envs


def _loggable(options: dict[str, Any] | None) -> Any:
    try:
        return plain(options)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"reset options must be what JSON can hold, to be logged, got {options!r}: {error}"
        ) from error


def _given(
    seed: int | Sequence[int | None] | None, before: Sequence[int | None], after: Sequence[int | None]
) -> list[int | None]:
    """Return the seed each sub-environment was given, by those of its random generator before and after the reset.

    How one seed is spread is up to the vector environment, and it may give seeds unasked (to groups).
    """
    spread = seed if isinstance(seed, Sequence) else [seed] * len(after)
    return [new if own is not None or new != old else None for own, old, new in zip(spread, before, after, strict=True)]


# What only the vector environment of a spec takes; the rest is for its sub-environments too.
_VECTOR_KWARGS = (
    "num_envs",
    "vectorization_mode",
    "vector_kwargs",
    "wrappers",
    "autoreset_mode",
    "max_episode_steps",
    "group_size",
    "engine",
)


def _specs(env: VectorEnv[Any, Any, Any]) -> list[dict[str, Any] | None]:
    """Return the spec of each sub-environment, as JSON."""
    own = [spec_of_env(each) for each in getattr(env, "envs", ())] or list(_attributes(env, "spec"))
    if any(own):
        return [spec_json(spec) for spec in own]
    spec = env.spec
    if spec is not None:
        turns = {"max_turns": spec.kwargs["max_episode_steps"]} if "max_episode_steps" in spec.kwargs else {}
        kwargs = {key: value for key, value in spec.kwargs.items() if key not in _VECTOR_KWARGS}
        spec = dataclasses.replace(spec, kwargs={**kwargs, **turns})
    return [spec_json(spec)] * env.num_envs


def _attributes(env: VectorEnv[Any, Any, Any], name: str) -> Sequence[Any]:
    """Return an attribute of each sub-environment; none where the vector environment has no way to ask."""
    get_attr = getattr(env, "get_attr", None)
    return () if get_attr is None else get_attr(name)
