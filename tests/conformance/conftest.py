"""An engine for every backend that can be had here; the others are skipped by name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from deepgym_env import DeepGym
from deepgym_env.errors import SandboxError
from deepgym_env.sandbox.modes import Mode

MODES: tuple[Mode, ...] = ("local", "docker", "gvisor", "runsc")


@pytest.fixture(scope="session")
def reference() -> Iterator[DeepGym]:
    """The local backend, which the others are compared with."""
    with DeepGym("local", workers=1) as engine:
        if engine.isolation().level != "full":
            pytest.skip("needs namespaces: `deepgym doctor` says how to get them")
        yield engine


@pytest.fixture(scope="session", params=MODES)
def backend(request: pytest.FixtureRequest) -> Iterator[DeepGym]:
    """One backend after the other."""
    with contextlib.ExitStack() as stack:
        engine = stack.enter_context(DeepGym(request.param, workers=1, min_isolation="full"))
        try:
            engine.isolation()
        except SandboxError as error:
            pytest.skip(f"no {request.param} here: {error}")
        yield engine
