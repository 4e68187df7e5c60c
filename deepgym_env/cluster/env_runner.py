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
from dataclasses import dataclass
from typing import Any

from deepgym_env.blocking import DeepGym
from deepgym_env.cluster.connection import connect, ray
from deepgym_env.cluster.node import portable
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
    ``concurrency`` episodes at a time. What a lost node played is played again elsewhere.

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
    portions = [
        _Portion(task, wanted[at : at + concurrency]) for task in tasks for at in range(0, len(wanted), concurrency)
    ]
    options = {"concurrency": concurrency, "max_turns": max_turns, "max_tokens": max_tokens}
    with contextlib.ExitStack() as stack:
        stack.callback(connect(url))
        number = min(runners or int(ray().cluster_resources().get("CPU", 1)), len(portions))
        crew = stack.enter_context(contextlib.closing(_Crew(policy, options, number)))
        results = crew.play(portions, retries)
        for portion, rollouts in _ordered(portions, results) if in_order else results:
            yield from ((portion.task, rollout) for rollout in rollouts)


@dataclass(slots=True, eq=False)
class _Portion:
    """What an actor plays at a time."""

    task: str | AnyTask
    seeds: list[int | None]
    losses: int = 0


_Played = tuple[_Portion, list[Rollout]]


class _Crew:
    """The actors that play. Those that have no CPU yet get nothing to do, so that nothing waits for them."""

    def __init__(self, policy: Policy | Any, options: Mapping[str, Any], number: int) -> None:
        self._make = (
            ray().remote(EpisodeRunner).options(num_cpus=1, scheduling_strategy="SPREAD", max_restarts=0).remote
        )
        self._made = policy, options
        self._idle: list[Any] = []
        self._coming: dict[Any, Any] = {}
        self._playing: dict[Any, tuple[_Portion, Any]] = {}
        for _ in range(number):
            self._hire()

    def play(self, portions: Sequence[_Portion], retries: int) -> Iterator[_Played]:
        """Have all portions played; yield them as they end."""
        todo = deque(portions)
        while todo or self._playing:
            while todo and self._idle:
                portion, actor = todo.popleft(), self._idle.pop()
                self._playing[actor.play.remote(portion.task, portion.seeds)] = portion, actor
            (ended,), _ = ray().wait([*self._coming, *self._playing], num_returns=1)
            if ended in self._coming:
                self._welcome(ended)
                continue
            portion, actor = self._playing.pop(ended)
            rollouts = self._rollouts(ended, actor)
            if rollouts is not None:
                yield portion, rollouts
                continue
            portion.losses += 1
            if portion.losses > retries:
                yield portion, [Rollout(end="no_verdict", seed=seed, error=_LOST) for seed in portion.seeds]
            else:
                todo.appendleft(portion)

    def close(self) -> None:
        """End all actors."""
        for actor in [*self._idle, *self._coming.values(), *(actor for _, actor in self._playing.values())]:
            ray().kill(actor)

    def _hire(self) -> None:
        actor = self._make(*self._made)
        self._coming[actor.__ray_ready__.remote()] = actor

    def _welcome(self, reference: Any) -> None:
        actor = self._coming.pop(reference)
        try:
            ray().get(reference)
            self._idle.append(actor)
        except ray().exceptions.RayActorError as error:
            if error.actor_init_failed:
                raise ConfigError(f"the nodes can't make anything of the policy: {error}") from error
            self._hire()

    def _rollouts(self, reference: Any, actor: Any) -> list[Rollout] | None:
        """Return what was played, None if the actor was lost meanwhile."""
        try:
            outcome: list[Rollout] | Exception = ray().get(reference)
        except ray().exceptions.RayActorError:
            self._hire()
            return None
        self._idle.append(actor)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def _ordered(portions: Sequence[_Portion], results: Iterator[_Played]) -> Iterator[_Played]:
    """Hold back what ends before those in front of it."""
    over: dict[_Portion, list[Rollout]] = {}
    due = deque(portions)
    for portion, rollouts in results:
        over[portion] = rollouts
        while due and due[0] in over:
            first = due.popleft()
            yield first, over.pop(first)


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
            return portable(error)


async def _asked(actor: Any, messages: Sequence[Any], tools: Sequence[Any]) -> Reply | str | Mapping[str, Any]:
    """Ask an actor, or an object with the same method."""
    act = actor.act
    answer = act.remote(messages, tools) if hasattr(act, "remote") else act(messages, tools)
    said: Reply | str | Mapping[str, Any] = await answer if inspect.isawaitable(answer) else answer
    return said
