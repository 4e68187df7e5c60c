"""Many environments whose steps run at once, in one process.

- :class:`CodingVectorEnv`: of one task.
- :class:`MixtureVectorEnv`: of several.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from deepgym_env.blocking import DeepGym
from deepgym_env.engine import AsyncDeepGym
from deepgym_env.envs.coding import CodingEnv
from deepgym_env.envs.mixture import MixtureEnv
from deepgym_env.envs.sampling import TaskSampler
from deepgym_env.envs.shared_engine import Lease, lease_engine
from deepgym_env.errors import ConfigError
from deepgym_env.pass_rates import Rates
from deepgym_env.selection import select_tasks
from deepgym_env.task import AnyTask, Difficulty

__all__ = ["CodingVectorEnv", "MixtureVectorEnv"]

_Bools = npt.NDArray[np.bool_]
_Step = tuple[tuple[str, ...], npt.NDArray[np.float32], _Bools, _Bools, dict[str, Any]]


class _ConcurrentVectorEnv(gym.vector.VectorEnv[tuple[str, ...], Sequence[Any], Any]):
    """What the vectors of one and of several tasks have in common.

    Gymnasium's ``SyncVectorEnv`` decides what each call gives; the difference is that all
    environments work at the same time, over one pool of sandboxes and without a process each.
    """

    def __init__(
        self, envs: Sequence[CodingEnv], engine: DeepGym | None, autoreset_mode: str | AutoresetMode, group_size: int
    ) -> None:
        if group_size < 1 or len(envs) % group_size:
            raise ConfigError(f"num_envs must be a multiple of group_size, got {len(envs)} and {group_size}")
        self.envs = list(envs)
        self.num_envs = len(envs)
        self.group_size = group_size
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {**envs[0].metadata, "autoreset_mode": self.autoreset_mode}
        self.render_mode = envs[0].render_mode
        self.single_observation_space = envs[0].observation_space
        self.single_action_space = envs[0].action_space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self.reward_space = envs[0].reward_space
        self._reward_shape = self.reward_space.shape
        self._own_engine = engine
        self._lease: Lease | None = None
        self._over = np.zeros(self.num_envs, dtype=np.bool_)
        self._shown: list[str] = [""] * self.num_envs
        self._seeded = False

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Begin an episode everywhere, or where ``options["reset_mask"]`` is True.

        An int ``seed`` gives the environments ``seed, seed + 1, ...``, and all members of a group
        their group's.
        """
        seeds = self._seeds(seed)
        which = np.flatnonzero(self._mask(options))
        infos: dict[str, Any] = {}
        for i, outcome in zip(which, self._all([self.envs[i].resetting(seeds[i]) for i in which]), strict=True):
            self._shown[i], info = outcome
            infos = self._add_info(infos, info, int(i))
        self._over[which] = False
        return tuple(self._shown), infos

    def _seeds(self, seed: int | Sequence[int | None] | None) -> list[int | None]:
        if seed is None and self.group_size > 1 and not self._seeded:  # else members would draw apart
            seed = int(self.np_random.integers(2**31))
        if seed is None:
            return [None] * self.num_envs
        self._seeded = True
        if isinstance(seed, int):
            return [seed + i // self.group_size for i in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise ValueError(f"{self.num_envs} seeds are needed, one per environment, got {len(seed)}")
        return list(seed)

    def _mask(self, options: dict[str, Any] | None) -> _Bools:
        mask = (options or {}).get("reset_mask", np.ones(self.num_envs, dtype=np.bool_))
        if not isinstance(mask, np.ndarray) or mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
            raise TypeError(f"options['reset_mask'] must be a bool array of shape ({self.num_envs},), got {mask!r}")
        if not mask.any():
            raise ValueError("options['reset_mask'] must be True somewhere")
        return mask

    def step(self, actions: Sequence[Any]) -> _Step:
        """Take a turn everywhere at once.

        Returns:
            Observations, rewards (float32, ``(num_envs, n_tests)``), what is terminated and what is
            truncated (bool, ``(num_envs,)``), and the infos in Gymnasium's form for vectors.
        """
        if len(actions) != self.num_envs:
            raise ValueError(f"{self.num_envs} actions are needed, one per environment, got {len(actions)}")
        if self.autoreset_mode == AutoresetMode.DISABLED and self._over.any():
            over = np.flatnonzero(self._over).tolist()
            raise ResetNeeded(f"the episodes of {over} are over: reset them with options={{'reset_mask': ...}}")
        begins = self._over if self.autoreset_mode == AutoresetMode.NEXT_STEP else np.zeros_like(self._over)
        pairs = zip(self.envs, actions, begins, strict=True)
        outcomes = self._all([env.resetting() if begin else env.stepping(action) for env, action, begin in pairs])
        rewards = np.zeros((self.num_envs, *self._reward_shape), dtype=np.float32)
        terminated, truncated = np.zeros_like(self._over), np.zeros_like(self._over)
        told: list[dict[str, Any]] = []
        for i, outcome in enumerate(outcomes):  # in order: what a sampler learns doesn't depend on who was first
            if begins[i]:
                self._shown[i], info = outcome
            else:
                self._shown[i], rewards[i], terminated[i], truncated[i], info = self.envs[i].settle(outcome)
            told.append(info)
        self._over = terminated | truncated
        infos: dict[str, Any] = {}
        if self.autoreset_mode == AutoresetMode.SAME_STEP:
            infos = self._restart(np.flatnonzero(self._over), told)
        for i, info in enumerate(told):
            infos = self._add_info(infos, info, int(i))
        return tuple(self._shown), rewards, terminated, truncated, infos

    def _restart(self, ended: npt.NDArray[np.int64], told: list[dict[str, Any]]) -> dict[str, Any]:
        """Begin anew where an episode has just ended; return how it ended, as part of the infos."""
        infos: dict[str, Any] = {}
        for i in ended:
            infos = self._add_info(infos, {"final_obs": self._shown[i], "final_info": told[i]}, int(i))
        for i, outcome in zip(ended, self._all([self.envs[i].resetting() for i in ended]), strict=True):
            self._shown[i], told[i] = outcome
        return infos

    def render(self) -> tuple[Any, ...] | None:
        """Return what each environment shows."""
        return tuple(env.render() for env in self.envs)

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Call a method of each environment, or get an attribute of each."""
        found = [env.get_wrapper_attr(name) for env in self.envs]
        return tuple(each(*args, **kwargs) if callable(each) else each for each in found)

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """Get an attribute of each environment."""
        return self.call(name)

    def close_extras(self, **kwargs: Any) -> None:
        """Close every environment."""
        for env in self.envs:
            env.close()
        if self._lease is not None:
            self._lease.release()
            self._lease = None

    # ── all at once ───────────────────────────────────────────────────────────────────────

    @property
    def _engine(self) -> DeepGym:
        if self._own_engine is not None:
            return self._own_engine
        if self._lease is None:
            self._lease = lease_engine(self)
        return self._lease.engine

    def _all(self, work: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
        """Do all of it at the same time; return what came of each, in order."""

        async def together(_: AsyncDeepGym) -> list[Any]:
            return list(await asyncio.gather(*work))

        return self._engine.call(together) if work else []


class CodingVectorEnv(_ConcurrentVectorEnv):
    """Many environments of one task, whose steps run at once.

    ## Observation Space
    A ``Tuple`` of ``num_envs`` times ``UnicodeText``.

    ## Action Space
    The same; a tool call as a dict does as well.

    ## Reward Space
    Rewards are float32 of shape ``(num_envs, n_tests)``; ``reward_space`` is one environment's.

    ## Episode Termination
    As of :class:`~deepgym_env.envs.CodingEnv`; then what ``autoreset_mode`` says: ``NextStep``
    (the next step begins anew, with reward 0), ``SameStep`` (``final_obs`` and ``final_info`` tell
    of the end) or ``Disabled`` (``reset(options={"reset_mask": ...})``).

    ## Groups
    With ``group_size=G`` environments ``0..G-1``, ``G..2G-1``, ... get the same task and seed, episode
    by episode, as group-relative methods (GRPO) need it.

    ## Arguments
    ``gym.make_vec("DeepGym/coin_change", num_envs=64, vectorization_mode="vector_entry_point")``, with
    ``autoreset_mode``, ``group_size`` and the arguments of one environment.

    Example:
        >>> envs = CodingVectorEnv("reverse_string", num_envs=2)
        >>> prompts, infos = envs.reset(seed=0)
        >>> observations, rewards, *_ = envs.step(["def reverse_string(s): return s[::-1]", "nonsense"])
        >>> rewards.mean(axis=1).tolist()
        [1.0, 0.0]
        >>> envs.close()
    """

    def __init__(
        self,
        task: str | AnyTask,
        num_envs: int = 1,
        *,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        group_size: int = 1,
        max_episode_steps: int | None = None,
        max_turns: int | None = None,
        fresh_tests: bool = False,
        dense: bool = False,
        engine: DeepGym | None = None,
        render_mode: str | None = None,
    ) -> None:
        """Make the environments; no sandbox is started yet.

        Args:
            task: Id of a built-in task, or a task.
            num_envs: How many.
            autoreset_mode: What follows the end of an episode.
            group_size: How many environments in a row get the same.
            max_episode_steps: What Gymnasium calls ``max_turns``.
            max_turns: Steps after which an episode is truncated.
            fresh_tests: Draw a new seed at every reset; needs a task that draws its tests, by id.
            dense: Judge a workspace after every turn, not only at the end.
            engine: The engine that judges; by default one shared by all environments.
            render_mode: ``ansi`` or None.

        Raises:
            ConfigError: If an option has a value that can't work.
        """
        options = {"fresh_tests": fresh_tests, "dense": dense, "engine": engine, "render_mode": render_mode}
        turns = max_turns if max_episode_steps is None else max_episode_steps
        envs = [CodingEnv(task, max_turns=turns, **options) for _ in range(_positive(num_envs))]  # type: ignore[arg-type]
        super().__init__(envs, engine, autoreset_mode, group_size)


class MixtureVectorEnv(_ConcurrentVectorEnv):
    """Many environments of several tasks, drawn episode by episode.

    See :class:`~deepgym_env.envs.MixtureEnv` for the tasks and the padding of rewards, and
    :class:`CodingVectorEnv` for all else. One sampler serves all environments; ``sampler`` is it.

    Example:
        >>> envs = MixtureVectorEnv(num_envs=4, tasks=["fizzbuzz", "two_sum"], group_size=2)
        >>> prompts, infos = envs.reset(seed=0)
        >>> bool(prompts[0] == prompts[1]), infos["mask"].shape == (4, *envs.reward_space.shape)
        (True, True)
        >>> envs.close()
    """

    def __init__(
        self,
        num_envs: int = 1,
        *,
        tasks: Sequence[str] | None = None,
        weights: Sequence[float] | None = None,
        adaptive: bool = False,
        difficulty: Difficulty | None = None,
        tags: Sequence[str] = (),
        benchmark: str | None = None,
        split: str | None = None,
        pass_rate: Sequence[float] | None = None,
        rates: Rates | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        group_size: int = 1,
        max_episode_steps: int | None = None,
        max_turns: int | None = None,
        fresh_tests: bool = False,
        dense: bool = False,
        engine: DeepGym | None = None,
        render_mode: str | None = None,
    ) -> None:
        """Make the environments; the arguments are those of the two classes named above.

        Raises:
            ConfigError: If an option has a value that can't work.
        """
        chosen = select_tasks(
            tasks,
            benchmark=benchmark,
            difficulty=difficulty,
            tags=tags,
            split=split,
            pass_rate=pass_rate,
            rates=rates,
        )
        self.sampler = TaskSampler(chosen, weights, adaptive=adaptive)
        turns = max_turns if max_episode_steps is None else max_episode_steps
        draws = [_GroupDraws(self.sampler) for _ in range(_positive(num_envs) // max(1, group_size) + 1)]
        envs = [
            MixtureEnv(
                sampler=self.sampler,
                draw=draws[i // max(1, group_size)].of_member() if group_size > 1 else None,
                max_turns=turns,
                fresh_tests=fresh_tests,
                dense=dense,
                engine=engine,
                render_mode=render_mode,
            )
            for i in range(num_envs)
        ]
        super().__init__(envs, engine, autoreset_mode, group_size)


class _GroupDraws:
    """The draws of a group: the member that first needs one makes it, the others get the same."""

    def __init__(self, sampler: TaskSampler) -> None:
        self._sampler = sampler
        self._drawn: list[tuple[str, int]] = []
        self._forgotten = 0  # draws every member has had
        self._members: list[_Member] = []

    def of_member(self) -> _Member:
        """Return what a further member draws with."""
        self._members.append(_Member(self))
        return self._members[-1]

    def get(self, number: int, rng: np.random.Generator) -> tuple[str, int]:
        """Return the draw of that number."""
        while number - self._forgotten >= len(self._drawn):
            self._drawn.append((self._sampler.draw(rng), int(rng.integers(2**31))))
        drawn = self._drawn[number - self._forgotten]
        slowest = min(member.number for member in self._members)
        del self._drawn[: slowest - self._forgotten]
        self._forgotten = max(self._forgotten, slowest)
        return drawn


class _Member:
    def __init__(self, group: _GroupDraws) -> None:
        self.number = 0
        self._group = group

    def __call__(self, rng: np.random.Generator) -> tuple[str, int]:
        self.number += 1
        return self._group.get(self.number - 1, rng)


def _positive(num_envs: int) -> int:
    if num_envs < 1:
        raise ConfigError(f"num_envs must be at least 1, got {num_envs!r}")
    return num_envs
