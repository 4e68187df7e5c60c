"""A Ray cluster of several nodes on this machine: each is a raylet with workers of its own.

Importing it sets Ray's environment; import it before Ray.
"""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import time
from typing import Any

from deepgym_env import DeepGym

# Sockets have short paths, a loaded machine is slow to start, and a dead node is to be noticed soon.
FOLDER = tempfile.mkdtemp(prefix="dgr", dir="/tmp")
os.environ.update(
    RAY_TMPDIR=FOLDER,
    RAY_raylet_start_wait_time_s="120",
    RAY_health_check_initial_delay_ms="2000",
    RAY_health_check_period_ms="500",
    RAY_health_check_timeout_ms="3000",
    RAY_health_check_failure_threshold="4",
    RAY_USAGE_STATS_ENABLED="0",
    RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0",
    OMP_NUM_THREADS="1",
)


_MEMORY = 80 << 20


class World:
    """A head without CPUs, which the driver is on, and nodes with one."""

    def __init__(self, processes: Any) -> None:
        self.processes = processes
        from ray.cluster_utils import Cluster  # once Ray's environment is set

        self.cluster = Cluster()
        self.nodes: list[Any] = []
        self._add(num_cpus=0, include_dashboard=False)
        self.address = self.cluster.address

    def grow(self, cpus: int = 1, **resources: float) -> Any:
        """Add a node; return it."""
        self.nodes.append(self._add(num_cpus=cpus, resources=resources))
        return self.nodes[-1]

    def _add(self, **arguments: Any) -> Any:
        """Start a node, again if it isn't up in the 30 s that Ray grants it."""
        for attempts_left in (3, 2, 1, 0):
            before = self.processes.below(os.getpid())
            try:
                return self.cluster.add_node(object_store_memory=_MEMORY, **arguments)
            except Exception:
                for pid in self.processes.below(os.getpid()).keys() - before.keys():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                if not attempts_left:
                    raise
        raise AssertionError

    def cut_power(self, node: Any) -> dict[int, int]:
        """Kill a node's raylet and every process below it at once; return them."""
        raylets = [info.process.pid for infos in node.all_processes.values() for info in infos]
        family: dict[int, int] = {}
        for pid in raylets:
            family |= self.processes.below(pid) | {pid: self.processes.stat(pid)[2]}
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.forget(node)
        return family

    def forget(self, node: Any) -> None:
        """Let the cluster's own books know that a node is gone."""
        self.nodes.remove(node)
        node.kill_all_processes(check_alive=False, allow_graceful=False, wait=True)
        self.cluster.worker_nodes.discard(node)


def members(engine: DeepGym) -> list[Any]:
    """Return the nodes that work for an engine."""

    async def ask(inner: Any) -> list[Any]:
        return list(inner.executor._nodes.members.values())

    return engine.call(ask)


def wait_for(condition: Any, seconds: float = 60.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.05)
