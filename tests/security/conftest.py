"""Runs attacks as submissions and looks at what is left of them.

Every attack here is a submission through the engine, in the real sandbox. Whatever it is, it must
get a verdict from the first process that ran it, leave nothing behind, and cost the next
submission nothing.
"""

from __future__ import annotations

import hashlib
import os
import textwrap
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ground import HONEST, TOOLKIT, check_text, digest_task, right, token

from deepgym_env import DeepGym, RunResult, Task
from deepgym_env.sandbox import LocalBackend


@pytest.fixture(scope="session")
def task() -> Task:
    """Two public and two hidden tests."""
    return digest_task()


@pytest.fixture(scope="session")
def short_task() -> Task:
    """One public test, for attacks that run into a limit."""
    return digest_task(public=1, hidden=0)


@pytest.fixture(scope="session")
def tokens() -> list[str]:
    """The inputs of ``task``, in order; the first two are public."""
    return [token(number) for number in range(4)]


@pytest.fixture(scope="session")
def digests() -> list[str]:
    """Digests of the right answers: enough to recognise one, not enough to make one."""
    return [hashlib.sha256(right(token(number)).encode()).hexdigest() for number in range(4)]


@pytest.fixture(scope="session")
def gvisor(engine: DeepGym) -> bool:
    """Whether the kernel is gVisor's, which is known to differ in a few things: docs/security.md lists them."""
    return any(layer.name == "kernel" and layer.active for layer in engine.isolation().layers)


@pytest.fixture(scope="module")
def degraded() -> Iterator[DeepGym]:
    """An engine without namespaces, as in a default container."""
    with DeepGym(workers=1, backend=LocalBackend(layers=("seccomp", "landlock")), min_isolation="none") as dg:
        if dg.isolation().level != "process":
            pytest.skip(f"needs seccomp and Landlock, got {dg.isolation()}")
        yield dg


@pytest.fixture(scope="session")
def full(engine: DeepGym) -> DeepGym:
    """The engine, where it has namespaces of its own."""
    if engine.isolation().level != "full":
        pytest.skip("needs namespaces: `deepgym doctor` says how to get them")
    return engine


@pytest.fixture
def attack(engine: DeepGym, task: Task, processes: Any) -> Callable[..., RunResult]:
    """Submits an attack, checks what must hold for every attack, and returns the result."""

    def submit(code: str, on: Task | None = None, engine: DeepGym = engine, toolkit: bool = True) -> RunResult:
        engine.isolation()  # the runner is up
        before = processes.below(os.getpid())
        source = textwrap.dedent(code)
        result = engine.run(on or task, TOOLKIT + source if toolkit else source)
        assert result.has_verdict, result.details
        assert result.timing.attempts == 1, "the attack cost a runner"
        assert processes.below(os.getpid()) == before, "processes were left, or the runner was replaced"
        check_text(result)
        assert engine.run(task, HONEST).score == 1.0, "the next submission paid for it"
        return result

    return submit


@pytest.fixture(scope="module")
def started(engine: DeepGym, task: Task) -> None:
    """Start the runners a module uses."""
    assert engine.run(task, HONEST).score == 1.0


@pytest.fixture(autouse=True, scope="module")
def _descriptors_do_not_grow(started: None) -> Iterator[None]:
    """The engine's process ends a module with as many descriptors as it began with."""
    before = len(os.listdir("/proc/self/fd"))
    yield
    deadline = time.monotonic() + 20.0  # a daemon takes a while to remove a container
    while len(os.listdir("/proc/self/fd")) > before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(os.listdir("/proc/self/fd")) <= before
