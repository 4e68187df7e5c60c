"""Backends whose sandboxes a test can get hold of, and a Docker daemon that may be killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from daemon import Daemon, Wire

from deepgym_env import DeepGym
from deepgym_env.errors import SandboxError
from deepgym_env.sandbox import Backend
from deepgym_env.sandbox.docker import BUILT_IMAGE, connect
from deepgym_env.sandbox.modes import backend_for

MODES = ("local", "docker", "gvisor", "runsc")


class Handle:
    """A started sandbox; what it sends can be garbled on its way."""

    def __init__(self, inner: Any, garble: Callable[[bytes], bytes]) -> None:
        self._inner = inner
        self._garble = garble

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def unwrap(self, data: bytes) -> bytes:
        return self._inner.unwrap(self._garble(data))


class Fragile:
    """A backend that keeps hold of what it starts."""

    def __init__(self, inner: Backend, processes: Any, handles: list[Handle] | None = None) -> None:
        self._inner = inner
        self._processes = processes
        self.name = inner.name
        self.handles = [] if handles is None else handles
        self.flips: list[int] = []  # bits of the next chunk to turn over, from its start
        self.refuse = 0  # starts to come that fail

    def start(self) -> Handle:
        if self.refuse:
            self.refuse -= 1
            raise SandboxError("no sandbox today")
        handle = Handle(self._inner.start(), self._garble)
        self.handles.append(handle)
        return handle

    def for_sessions(self) -> Fragile:
        return Fragile(self._inner.for_sessions(), self._processes, self.handles)

    def for_suites(self) -> Fragile:
        return Fragile(self._inner.for_suites(), self._processes, self.handles)

    def kill(self) -> None:
        """Kill every sandbox there is."""
        self._strike(signal.SIGKILL, lambda api, container: api.kill(container))

    def freeze(self) -> None:
        """Stop every process of every sandbox there is."""
        self._strike(signal.SIGSTOP, lambda api, container: api.pause(container))

    def _strike(self, number: signal.Signals, at_container: Callable[[Any, str], None]) -> None:
        for handle in self.handles:
            if hasattr(handle, "container"):
                with connect() as api:
                    if api.containers(filters={"id": handle.container}):
                        at_container(api, handle.container)
            elif handle.process.poll() is None:
                for pid in (handle.process.pid, *self._processes.below(handle.process.pid)):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)

    def _garble(self, data: bytes) -> bytes:
        changed = bytearray(data)
        while self.flips:
            bit = self.flips.pop() % (len(changed) * 8)
            changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)


@pytest.fixture(params=MODES)
def fragile(request: pytest.FixtureRequest, processes: Any) -> Fragile:
    """A backend of each kind there is here, at its full level."""
    backend = Fragile(backend_for(request.param), processes)
    with DeepGym(backend=backend, workers=1, min_isolation="full") as engine:
        try:
            engine.isolation()
        except SandboxError as error:
            pytest.skip(f"no {request.param} here: {error}")
    backend.handles.clear()
    return backend


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A Docker daemon of our own."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip("a Docker daemon of the tests' own needs root and dockerd")
    try:
        with connect() as api:
            if not api.images(BUILT_IMAGE):
                pytest.skip(f"no image {BUILT_IMAGE}: `deepgym image build` makes it")
    except SandboxError as error:
        pytest.skip(str(error))
    running = Daemon(tmp_path_factory.mktemp("d"))
    yield running
    running.stop()


@pytest.fixture
def at_daemon(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """The same, being the one the environment names."""
    monkeypatch.setenv("DOCKER_HOST", daemon.url)
    yield daemon
    if daemon.process.poll() is not None:
        daemon.start()


@pytest.fixture
def wire(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """The network through which the environment's daemon is reached."""
    made = Wire(Path(daemon.socket))
    monkeypatch.setenv("DOCKER_HOST", made.url)
    yield made
    made.close()
