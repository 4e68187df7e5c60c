"""What an engine does while its cluster has no node for it, or too few: ask for some, wait, give up.

- :class:`Patience`
"""

from __future__ import annotations

import asyncio
import logging
import math
import time

from deepgym_env.cluster.connection import ray
from deepgym_env.cluster.dispatch import Dispatcher
from deepgym_env.cluster.nodes import SHARE, Member, Nodes
from deepgym_env.errors import IsolationError, SandboxError
from deepgym_env.optional import require

__all__ = ["Patience", "wanted_cpus"]

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.5
_LONG_SECONDS = 60.0  # of work for every runner: then more nodes are asked for


def wanted_cpus(runners: int, rest_seconds: float) -> int:
    """Return how many CPUs a cluster should have that has work of so many seconds left; 0: no matter.

    Example:
        >>> wanted_cpus(0, 1.0), wanted_cpus(8, 60.0), wanted_cpus(8, 1200.0), wanted_cpus(8, 1e6)
        (1, 0, 16, 16)
    """
    if runners == 0:
        return 1
    if rest_seconds <= _LONG_SECONDS * runners:
        return 0
    return min(2 * runners, math.ceil(rest_seconds / _LONG_SECONDS))


class Patience:
    """Watches over what waits for nodes."""

    def __init__(self, nodes: Nodes, dispatcher: Dispatcher, seconds: float) -> None:
        """Watch nothing yet.

        Args:
            nodes: The cluster's.
            dispatcher: What has work for them.
            seconds: How long to wait for a node while there is none.
        """
        self._nodes, self._dispatcher, self._seconds = nodes, dispatcher, seconds
        self._asked = 0  # CPUs, of the cluster's autoscaler
        self._waiting = 0  # callers of some_node

    async def watch(self) -> None:
        """Give up on what has waited too long, and ask the autoscaler for nodes, again and again."""
        lonely_since: float | None = None
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self._ask()
            if self._nodes.members or not self._dispatcher.unsettled:
                lonely_since = None
                continue
            now = time.monotonic()
            lonely_since = lonely_since or now
            if now - lonely_since > self._seconds:
                self._give_up()
                lonely_since = None

    async def some_node(self) -> None:
        """Wait until there is a node.

        Raises:
            IsolationError: If those there are are isolated less than asked for.
            SandboxError: If there is none in time.
        """
        until = time.monotonic() + self._seconds
        self._waiting += 1
        try:
            while not self._nodes.members:
                if time.monotonic() > until:
                    raise self._cause()
                await asyncio.sleep(_LOOK_SECONDS / 10)
        finally:
            self._waiting -= 1

    async def fewest(self) -> Member:
        """Return the node with the fewest sessions, once there is one; raises as :meth:`some_node` does."""
        await self.some_node()
        return min(self._nodes.members.values(), key=lambda member: (member.sessions + member.opening) / member.workers)

    async def aclose(self) -> None:
        """Ask the autoscaler for nothing any more."""
        if self._asked:
            await asyncio.to_thread(_request, 0, self._nodes.resource)

    def _cause(self) -> SandboxError:
        refused = self._nodes.refused
        if isinstance(refused, IsolationError):
            return refused
        why = f" (the last one that was tried: {refused})" if refused is not None else ""
        return SandboxError(
            f"the cluster has had no node for {self._seconds:.0f} s{why}; a node needs a free CPU, and the resource "
            "that DEEPGYM_NODE_RESOURCE names"
        )

    def _give_up(self) -> None:
        cause = self._cause()
        if isinstance(cause, IsolationError):
            self._dispatcher.fail(cause)
        else:
            self._dispatcher.give_up(str(cause))

    async def _ask(self) -> None:
        """Tell the autoscaler how many CPUs there should be; it pays no heed where there is none."""
        runners = sum(member.workers for member in self._nodes.members.values())
        waits = self._dispatcher.unsettled or self._waiting
        wanted = wanted_cpus(runners, self._dispatcher.expected_seconds) if waits else 0
        if wanted != self._asked:
            self._asked = wanted
            try:
                await asyncio.to_thread(_request, wanted, self._nodes.resource)
            except ray().exceptions.RayError as error:
                _log.warning("the cluster's autoscaler can't be asked for nodes: %s", error)


def _request(cpus: int, resource: str | None) -> None:
    bundle = {"CPU": 1.0} | ({resource: SHARE} if resource else {})
    require("ray.autoscaler.sdk", "mode 'ray'", "ray").request_resources(bundles=[bundle] * cpus)
