"""Several tasks in one environment.

- :class:`MixtureEnv`
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from deepgym_env.blocking import DeepGym
from deepgym_env.catalog import load_task
from deepgym_env.envs.coding import CodingEnv
from deepgym_env.envs.episode import Episode, Transition, Vector
from deepgym_env.envs.sampling import TaskSampler
from deepgym_env.pass_rates import Rates
from deepgym_env.selection import count_tests, select_tasks
from deepgym_env.task import AnyTask, Difficulty

__all__ = ["Draw", "MixtureEnv"]

Draw = Callable[[np.random.Generator], tuple[str, int]]


class MixtureEnv(CodingEnv):
    """Another task with each episode: drawn by weight, or by how often each has been solved lately.

    ## Observation Space
    As of :class:`CodingEnv`, for whatever task the episode has.

    ## Action Space
    As of :class:`CodingEnv`.

    ## Reward Space
    ``Box(-1, 1, (n,), float32)`` with ``n`` the most tests any of the tasks has. A task with fewer
    has 0 in the rest; ``info["mask"]`` (bool, ``(n,)``) is True where the task has a test.

    ## Episode Termination
    As of :class:`CodingEnv`.

    ## Arguments
    ``gym.make("DeepGym/mixture", tasks=["fizzbuzz", "two_sum"], weights=[1, 2], adaptive=False)``;
    without ``tasks`` all built-in ones, or with ``benchmark="leetcode"`` all of an imported benchmark; of
    these those of a ``difficulty``, with all ``tags``, of a ``split``, and solved about so often
    (``pass_rate=(0.1, 0.9), rates="results.jsonl"``). What adaptive sampling has learnt is in
    ``env.unwrapped.sampler.state_dict()``.

    Example:
        >>> env = MixtureEnv(tasks=["fizzbuzz", "reverse_string"])
        >>> prompt, info = env.reset(seed=1)
        >>> info["task"] in ("fizzbuzz", "reverse_string"), info["mask"].dtype
        (True, dtype('bool'))
        >>> env.close()
    """

    def __init__(
        self,
        tasks: Sequence[str] | None = None,
        *,
        weights: Sequence[float] | None = None,
        adaptive: bool = False,
        difficulty: Difficulty | None = None,
        tags: Sequence[str] = (),
        benchmark: str | None = None,
        split: str | None = None,
        pass_rate: Sequence[float] | None = None,
        rates: Rates | None = None,
        max_turns: int | None = None,
        fresh_tests: bool = False,
        dense: bool = False,
        engine: DeepGym | None = None,
        render_mode: str | None = None,
        sampler: TaskSampler | None = None,
        draw: Draw | None = None,
    ) -> None:
        """Make the environment; no sandbox is started yet.

        Args:
            tasks: Ids of tasks; by default all of ``benchmark``, else all built-in ones.
            weights: One per task; by default all alike.
            adaptive: Prefer tasks whose recent success rate is near 1/2.
            difficulty: Only tasks of that difficulty.
            tags: Only tasks with all of these.
            benchmark: An imported benchmark, by its name or as its ids begin, or another namespace of tasks.
            split: Only tasks of that split of their benchmark.
            pass_rate: Only tasks solved at least and at most so often, ``(0.1, 0.9)``.
            rates: Where that was measured: a results file of ``deepgym eval``, a log of episodes, or a mapping.
            max_turns: Steps after which an episode is truncated; by default what each task says.
            fresh_tests: Draw a new seed at every reset.
            dense: Judge workspaces after every turn, not only at the end.
            engine: The engine that judges; by default one shared by all environments.
            render_mode: ``ansi`` or None.
            sampler: A sampler of your own, or one several environments share; then the options
                about the choice of tasks have no effect.
            draw: What chooses task and seed instead, for a group of environments that get the same.

        Raises:
            ConfigError: If an option has a value that can't work.
        """
        if sampler is None:
            chosen = select_tasks(
                tasks,
                benchmark=benchmark,
                difficulty=difficulty,
                tags=tags,
                split=split,
                pass_rate=pass_rate,
                rates=rates,
            )
            sampler = TaskSampler(chosen, weights, adaptive=adaptive)
        self.sampler = sampler
        self._size = max(map(count_tests, sampler.tasks))
        super().__init__(
            sampler.tasks[0], max_turns=max_turns, fresh_tests=fresh_tests, engine=engine, render_mode=render_mode
        )
        self._options["dense"] = dense
        self._choose = draw
        self.reward_space = Box(-1.0, 1.0, (self._size,), np.float32)

    def draw(self, seed: int | None) -> AnyTask:
        """Return the task of the next episode; a new one each time, fixed by the seed of the environment."""
        if self._choose is not None:
            task, number = self._choose(self.np_random)
        else:
            task, number = self.sampler.draw(self.np_random), int(self.np_random.integers(2**31))
        return load_task(task, number if self._options["fresh_tests"] else 0)

    async def begin(self, episode: Episode[Any]) -> tuple[str, dict[str, Any]]:
        """Begin an episode of the task chosen: of whichever kind it is."""
        if type(episode.task) is not type(self.task):
            await episode.close()
            episode = self._keep(self._episode_of(episode.engine))
        observation, info = await super().begin(episode)
        return observation, self._masked(info)

    def settle(self, transition: Transition) -> tuple[str, Vector, bool, bool, dict[str, Any]]:
        """Return a turn's outcome, its reward padded; note how an episode ended."""
        observation, reward, terminated, truncated, info = transition
        if (terminated or truncated) and info["has_verdict"]:
            self.sampler.note(self.task.id, info["passed"])
        padded = np.zeros(self._size, dtype=np.float32)
        padded[: len(reward)] = reward
        return observation, padded, terminated, truncated, self._masked(info)

    def _masked(self, info: dict[str, Any]) -> dict[str, Any]:
        return {**info, "mask": np.arange(self._size) < len(self.task.tests)}
