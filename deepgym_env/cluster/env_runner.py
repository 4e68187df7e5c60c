"""Episodes on all nodes of a cluster: environments where the CPUs are, policies where they like.

- :func:`run_episodes`: rollouts of tasks and seeds, as they end or in order.
- :class:`EpisodeRunner`: the actor that plays some of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from deepgym_env.blocking import DeepGym
from deepgym_env.cluster.connection import connect, ray
from deepgym_env.envs import CodingEnv
from deepgym_env.errors import ConfigError
from deepgym_env.rollout import Policy, Reply, Rollout, rollout_many
from deepgym_env.task import AnyTask

__all__ = ["EpisodeRunner", "run_episodes"]

_LOST = "the episode's node was lost, as were others that it was tried on"


def run_episodes(
    tasks: Sequence[str | AnyTask],
    policy: Policy | Any,
    *,
    seeds: Iterable[int | None] = (None,),
    runners: int | None = None,
    concurrency: int = 16,
    max_turns: int | None = None,
    max_tokens: int | None = None,
    in_order: bool = True,
    retries: int = 2,
    url: str | None = None,
) -> Iterator[tuple[str | AnyTask, Rollout]]:
    """Play an episode of each task with each seed.

    Each runner is an actor with a CPU and sandboxes of its own, anywhere in the cluster, and plays up to
    ``concurrency`` episodes at a time; few more are under way than are asked for. What a lost node played is
    played again elsewhere.

    Args:
        tasks: Tasks, or ids of built-in ones.
        policy: What answers: any :class:`~deepgym_env.rollout.Policy` that can be pickled, asynchronous or not, or
            the handle of an actor with a method ``act(messages, tools)``, such as one that has a model on a GPU.
        seeds: For ``env.reset``.
        runners: How many; by default one per CPU that the cluster has now.
        concurrency: Episodes a runner plays at a time, all of one task.
        max_turns: As for :func:`~deepgym_env.rollout.rollout`.
        max_tokens: As for :func:`~deepgym_env.rollout.rollout`.
        in_order: Tasks and seeds as they were given; else what ends first comes first.
        retries: How often an episode is played again that was lost with its node.
        url: The cluster's address; see :func:`~deepgym_env.cluster.connection.connect`.

    Yields:
        The task and what came of the episode. One that was lost for good ends with ``no_verdict``.

    Raises:
        ConfigError: If an option has a value that can't work.
        DeepGymError: What playing an episode raises.
    """
    if concurrency < 1 or (runners is not None and runners < 1):
        raise ConfigError(f"runners and concurrency must be at least 1, got {runners!r} and {concurrency!r}")
    wanted = list(seeds)
    portions = [(task, wanted[at : at + concurrency]) for task in tasks for at in range(0, len(wanted), concurrency)]
    options = {"concurrency": concurrency, "max_turns": max_turns, "max_tokens": max_tokens}
    with contextlib.ExitStack() as stack:
        stack.callback(connect(url))
        number = min(runners or int(ray().cluster_resources().get("CPU", 1)), len(portions))
        made = (
            ray()
            .remote(EpisodeRunner)
            .options(num_cpus=1, scheduling_strategy="SPREAD", max_restarts=-1, max_task_retries=retries)
        )
        idle = deque(made.remote(policy, options) for _ in range(number))
        for actor in idle:
            stack.callback(ray().kill, actor)
        yield from _played(idle, portions, in_order)


def _played(
    idle: deque[Any], portions: Sequence[tuple[str | AnyTask, list[int | None]]], in_order: bool
) -> Iterator[tuple[str | AnyTask, Rollout]]:
    """Keep all actors busy; each has one portion."""
    todo = deque(enumerate(portions))
    under_way: dict[Any, tuple[int, Any]] = {}
    over: dict[int, list[Rollout]] = {}
    due = 0
    while todo or under_way:
        while todo and idle and (not in_order or todo[0][0] - due < 4 * (len(idle) + len(under_way))):
            number, portion = todo.popleft()
            actor = idle.popleft()
            under_way[actor.play.remote(*portion)] = number, actor
        (ended,), _ = ray().wait(list(under_way), num_returns=1)
        number, actor = under_way.pop(ended)
        idle.append(actor)
        over[number] = _rollouts(ended, portions[number][1])
        while ready := [number for number in over if number == due or not in_order]:
            due += 1
            for each in over.pop(ready[0]):
                yield portions[ready[0]][0], each


def _rollouts(reference: Any, seeds: Sequence[int | None]) -> list[Rollout]:
    try:
        outcome: list[Rollout] | Exception = ray().get(reference)
    except ray().exceptions.RayActorError as error:
        return [Rollout(end="no_verdict", seed=seed, error=f"{_LOST}: {error}") for seed in seeds]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


class EpisodeRunner:
    """Plays episodes with an engine of its own; a Ray actor."""

    def __init__(self, policy: Policy | Any, options: Mapping[str, Any]) -> None:
        """Play nothing yet.

        Args:
            policy: As for :func:`run_episodes`.
            options: Of :func:`~deepgym_env.rollout.rollout_many`.
        """
        self._policy: Policy = functools.partial(_asked, policy) if hasattr(policy, "act") else policy
        self._options = dict(options)
        self._engine = DeepGym(workers=1)

    def play(self, task: str | AnyTask, seeds: Sequence[int | None]) -> list[Rollout] | Exception:
        """Play an episode per seed; return what is raised, since a transport may change it."""
        try:
            make = functools.partial(CodingEnv, task, engine=self._engine)
            return asyncio.run(rollout_many(make, self._policy, seeds, **self._options))
        except Exception as error:
            return error


async def _asked(actor: Any, messages: Sequence[Any], tools: Sequence[Any]) -> Reply | str | Mapping[str, Any]:
    """Ask an actor, or an object with the same method."""
    act = actor.act
    answer = act.remote(messages, tools) if hasattr(act, "remote") else act(messages, tools)
    said: Reply | str | Mapping[str, Any] = await answer if inspect.isawaitable(answer) else answer
    return said
