"""One cluster for all tests, and an engine on it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from ray_world import FOLDER, World, members, wait_for

from deepgym_env import DeepGym


@pytest.fixture(scope="session")
def world(processes: Any) -> Iterator[World]:
    """A cluster of a head and two nodes."""
    import ray

    made = World(processes)
    try:
        made.grow()
        made.grow()
        ray.init(address=made.address, log_to_driver=False)
        yield made
    finally:
        ray.shutdown()
        made.cluster.shutdown()
        shutil.rmtree(FOLDER, ignore_errors=True)


@pytest.fixture(scope="module")
def cluster_engine(world: World) -> Iterator[DeepGym]:
    """An engine on the cluster; it has all CPUs, so no other finds a node meanwhile."""
    with DeepGym("ray", workers=1) as engine:
        yield engine


@pytest.fixture
def dg(world: World, cluster_engine: DeepGym) -> DeepGym:
    """The same, with all nodes at work."""
    cluster_engine.isolation()
    wait_for(lambda: len(members(cluster_engine)) == len(world.nodes))
    return cluster_engine
