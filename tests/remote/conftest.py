"""Fixtures: a server on the loopback device, and an engine that has it judge."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from real_server import Served, serving

from deepgym_env import DeepGym


@pytest.fixture(scope="module")
def served(own: DeepGym, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that judges on the module's own engine; open to this machine."""
    with serving(own, tmp_path_factory.mktemp("served")) as server:
        yield server


@pytest.fixture(scope="module")
def remote(served: Served) -> Iterator[DeepGym]:
    """An engine whose work that server does."""
    with DeepGym("remote", url=served.url) as dg:
        yield dg
