"""The nodes of a cluster that work for an engine: found, given an actor each, dropped when they are lost.

- :class:`Nodes`: all of them; :class:`Member`: an actor of one.
- :func:`seats`: how many actors a node gets; :data:`SHARE`: what each takes of the resource nodes are chosen by.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from deepgym_env._version import __version__
from deepgym_env.cluster.connection import ray
from deepgym_env.cluster.node import Greeting, Node, NodeConfig
from deepgym_env.errors import ConfigError
from deepgym_env.optional import require
from deepgym_env.sandbox import Isolation

__all__ = ["SHARE", "Member", "Nodes", "seats"]

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 1.0
SHARE = 0.001  # of the custom resource that nodes are chosen by: many engines can be on one
_PLACE_SECONDS = 15.0  # for an actor to get the CPUs it asks for, before it asks for fewer
_PAUSE_SECONDS, _LONGEST_PAUSE = 2.0, 60.0  # after a node whose actor did not start, or ended
_CALLS = 100_000  # under way at an actor
_RUNNERS = 8  # that an actor can keep busy: its event loop spends a tenth of the time that a run takes in all


def seats(cpus: int, workers: int | None) -> list[tuple[int, int]]:
    """Return the CPUs and runners of each actor that a node gets.

    Args:
        cpus: The node's.
        workers: Runners it is to have; by default as many.

    Example:
        >>> seats(4, None), seats(20, None), seats(2, 1), seats(2, 12)
        ([(4, 4)], [(6, 6), (7, 7), (7, 7)], [(1, 1)], [(1, 6), (1, 6)])
    """
    runners = workers or cpus
    number = min(math.ceil(runners / _RUNNERS), cpus)

    def share(total: int, index: int) -> int:
        return total * (index + 1) // number - total * index // number

    return [(share(min(cpus, runners), index), share(runners, index)) for index in range(number)]


@dataclass(eq=False)
class Member:
    """A node at work, or the part of it that an actor has.

    Attributes:
        id: Its name: the node's and a number.
        node: Ray's id of the node.
        actor: The :class:`~deepgym_env.cluster.node.Node` there.
        workers: Its runners.
        isolation: What is in force there.
        sessions: How many it holds, as far as is known.
        opening: How many it is about to hold.
        alive: Whether it is still at work.
    """

    id: str
    node: str
    actor: Any
    workers: int
    isolation: Isolation
    sessions: int = 0
    opening: int = 0
    alive: bool = True

    async def ask(self, method: str, *arguments: Any) -> Any:
        """Call a method of the node.

        Raises:
            Exception: Ray's, if the node is lost.
        """
        return await getattr(self.actor, method).remote(*arguments)

    def tell(self, method: str, *arguments: Any) -> None:
        """Call a method of the node whose answer nobody waits for."""
        getattr(self.actor, method).remote(*arguments)


class Nodes:
    """The cluster's nodes with free CPUs, as they come and go."""

    def __init__(
        self,
        config: NodeConfig,
        *,
        workers: int | None,
        resource: str | None,
        joined: Callable[[Member], None],
        left: Callable[[Member], None],
    ) -> None:
        """Look for none yet.

        Args:
            config: What their engines are like.
            workers: Runners of each; by default one per CPU of the node.
            resource: Use only nodes that have this custom resource.
            joined: Told of each new node.
            left: Told of each that is lost.
        """
        self._config, self._workers, self.resource = config, workers, resource
        self._joined, self._left = joined, left
        self._starting: dict[str, asyncio.Task[None]] = {}
        self._pauses: dict[str, tuple[int, float]] = {}  # failures in a row, and until when it is left alone
        self.members: dict[str, Member] = {}
        self.refused: Exception | None = None  # why a node can't be used at all, the last one's reason

    async def watch(self) -> None:
        """Look for nodes, again and again."""
        while True:
            try:
                self._compare({info["NodeID"]: info for info in await asyncio.to_thread(ray().nodes) if info["Alive"]})
            except ray().exceptions.RayError as error:
                _log.warning("the cluster doesn't say which nodes there are: %s", error)
            await asyncio.sleep(_LOOK_SECONDS)

    def drop(self, member: Member, cause: object) -> None:
        """Give a node up; it is tried again after a while if it is still there."""
        if not member.alive:
            return
        _log.warning("node %s is lost: %s", member.id[:12], cause)
        member.alive = False
        del self.members[member.id]
        self._pause(member.id)
        ray().kill(member.actor)
        self._left(member)

    async def aclose(self) -> None:
        """End every node's work; members stay listed."""
        for starting in self._starting.values():
            starting.cancel()
        await asyncio.gather(*self._starting.values(), return_exceptions=True)
        await asyncio.gather(*(self._close(member) for member in self.members.values()))

    async def _close(self, member: Member) -> None:
        member.alive = False
        try:
            await asyncio.wait_for(member.ask("close"), timeout=10)
        except (ray().exceptions.RayError, asyncio.TimeoutError):
            pass
        ray().kill(member.actor)

    # ── who is there ──────────────────────────────────────────────────────────────────────

    def _compare(self, alive: Mapping[str, Mapping[str, Any]]) -> None:
        """Drop members that are gone, and start those that are new."""
        for member in [each for each in self.members.values() if each.node not in alive]:
            self.drop(member, "it left the cluster")
        self._pauses = {name: pause for name, pause in self._pauses.items() if name.partition("/")[0] in alive}
        now = asyncio.get_running_loop().time()
        for node, info in alive.items():
            if not self._is_fit(info["Resources"]):
                continue
            for number, (cpus, workers) in enumerate(seats(int(info["Resources"]["CPU"]), self._workers)):
                name = f"{node}/{number}"
                busy = name in self.members or name in self._starting or self._pauses.get(name, (0, 0.0))[1] > now
                if not busy:
                    self._starting[name] = asyncio.ensure_future(self._start(name, node, cpus, workers))

    def _is_fit(self, resources: Mapping[str, float]) -> bool:
        return resources.get("CPU", 0) >= 1 and (self.resource is None or resources.get(self.resource, 0) > 0)

    async def _start(self, name: str, node: str, cpus: int, workers: int) -> None:
        try:
            member = await self._placed(name, node, cpus, workers)
            self._pauses.pop(name, None)
            self.members[name] = member
            self._joined(member)
        except Exception as error:
            _log.warning("node %s can't be used: %s", name[:12], error)
            self.refused = error
            self._pause(name)
        finally:
            self._starting.pop(name, None)

    async def _placed(self, name: str, node: str, cpus: int, workers: int) -> Member:
        """Start an actor on a node; where its CPUs are taken by others, one with fewer."""
        while True:
            actor = self._actor(node, cpus, workers)
            try:
                await asyncio.wait_for(_ready(actor), _PLACE_SECONDS if cpus > 1 else None)
                greeting = await _greeting(actor)
                return Member(name, node, actor, workers, greeting.isolation)
            except asyncio.TimeoutError:
                ray().kill(actor)
                cpus = math.ceil(cpus / 2)
                workers = workers if self._workers else cpus
            except BaseException:
                ray().kill(actor)
                raise

    def _actor(self, node: str, cpus: int, workers: int) -> Any:
        strategies = require("ray.util.scheduling_strategies", "mode 'ray'", "ray")
        made = (
            ray()
            .remote(Node)
            .options(
                num_cpus=cpus,
                resources={self.resource: SHARE} if self.resource else {},
                max_concurrency=_CALLS,
                max_restarts=0,
                scheduling_strategy=strategies.NodeAffinitySchedulingStrategy(node, soft=False),
            )
        )
        return made.remote(replace(self._config, workers=workers))

    def _pause(self, name: str) -> None:
        failures = self._pauses.get(name, (0, 0.0))[0] + 1
        pause = min(_PAUSE_SECONDS * 2 ** (failures - 1), _LONGEST_PAUSE)
        self._pauses[name] = failures, asyncio.get_running_loop().time() + pause


async def _ready(actor: Any) -> None:
    await actor.__ray_ready__.remote()


async def _greeting(actor: Any) -> Greeting:
    greeting: Greeting | Exception = await actor.greet.remote()
    if isinstance(greeting, Exception):
        raise greeting
    if greeting.version != __version__:
        raise ConfigError(f"it has DeepGym {greeting.version}, not {__version__}: install the same everywhere")
    return greeting
