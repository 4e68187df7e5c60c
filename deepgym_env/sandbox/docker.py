"""Runners in containers: Docker, and gVisor as a runtime of Docker.

A container has no network, no capabilities, a read-only root, an unprivileged user and limits on memory
and processes. Inside it the runner builds the same namespaces and filters for each submission as on this
machine. Frames go over the container's standard streams, so that the daemon may be anywhere.

The runner ends when its standard input does, and a container that has ended is removed by the daemon. So
a program that is killed takes its containers with it. What is left all the same (the daemon was down, the
container frozen) is removed by the next program that uses Docker: labels say whose a container is.

See the Docker Engine API, https://docs.docker.com/reference/api/engine/.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from deepgym_env.errors import SandboxError
from deepgym_env.sandbox import owner
from deepgym_env.sandbox.bundle import (
    BOOT,
    DEFAULT_PRELOAD,
    ENVIRONMENT,
    SUITE_PACKAGES,
    SUITE_PRELOAD,
    SUITE_WARM,
    bundle,
    modules_of,
)
from deepgym_env.sandbox.seccomp_profile import profile

__all__ = ["BUILT_IMAGE", "DEFAULT_IMAGE", "DockerBackend", "connect"]

DEFAULT_IMAGE = "python:3.11-slim"
BUILT_IMAGE = "deepgym-sandbox"  # what `deepgym image build` makes
_USER = "61000:61000"
_RUNNER_PLACE = "/deepgym"
_PROCESSES = 4096
_SHARE_OF_MEMORY = 0.75
_CALL_SECONDS = 60.0
_END_SECONDS = 2.0
_PATIENCE_SECONDS, _PAUSE = 15.0, 0.25
_REMOVALS = 20
_HEAD = struct.Struct(">B3sI")  # of what a container writes: stream, nothing, length
_STDOUT, _STDERR = 1, 2


class _Demultiplexer:
    """Takes a container's standard output out of the stream both outputs share."""

    def __init__(self) -> None:
        self.errors = b""
        self._buffer = bytearray()
        self._left = 0
        self._stream = 0

    def feed(self, data: bytes) -> bytes:
        """Return the standard output in ``data``.

        Raises:
            ValueError: If this is no such stream.
        """
        self._buffer += data
        output = bytearray()
        at = 0
        while True:
            if self._left == 0:
                if len(self._buffer) - at < _HEAD.size:
                    break
                self._stream, nothing, self._left = _HEAD.unpack_from(self._buffer, at)
                if self._stream not in (_STDOUT, _STDERR) or any(nothing):
                    raise ValueError("no stream of a container")
                at += _HEAD.size
            part = self._buffer[at : at + self._left]
            if not part:
                break
            if self._stream == _STDOUT:
                output += part
            else:
                self.errors = (self.errors + bytes(part))[-4096:]
            self._left -= len(part)
            at += len(part)
        del self._buffer[:at]
        return bytes(output)


@dataclass(eq=False)
class _Container:
    """A runner in a container."""

    stream: socket.socket
    config: dict[str, Any]
    layers: dict[str, str | None]
    container: str
    demultiplexer: _Demultiplexer = field(default_factory=_Demultiplexer)

    def unwrap(self, data: bytes) -> bytes:
        """Return the runner's bytes in what has arrived."""
        return self.demultiplexer.feed(data)

    def kill(self) -> None:
        """Close the stream, at which the runner ends, and see to it that the container is gone."""
        self.stream.close()
        _remove_soon(self.container)

    def diagnosis(self) -> str:
        """Return the last line the runner wrote to stderr, or why the container ended."""
        lines = self.demultiplexer.errors.decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:500] if lines else ""


def _remove_soon(container: str) -> None:
    """Remove a container; a daemon that hangs must not hold up the event loop this is called on."""
    removal = threading.Thread(target=_remove, args=(container,), name="deepgym-container-removal")
    removal.start()
    removal.join(_END_SECONDS)


def _remove(container: str) -> None:
    """Remove a container, and those that could not be removed when their time was."""
    from docker.errors import APIError, NotFound

    _left.add(container)
    for _ in range(_REMOVALS):
        try:
            with connect() as api:
                for each in tuple(_left):
                    with contextlib.suppress(NotFound):
                        api.remove_container(each, force=True)
                    _left.discard(each)
            return
        except APIError:  # it takes long to end: gVisor's, on a machine under load
            time.sleep(_PAUSE)
        except Exception:  # the daemon is away
            return


_left: set[str] = set()


class DockerBackend:
    """Starts runners in containers.

    Example:
        >>> DockerBackend("python:3.12-slim", runtime="runsc").name
        'gvisor'
    """

    def __init__(
        self,
        image: str | None = None,
        *,
        runtime: str | None = None,
        preload: Sequence[str] = DEFAULT_PRELOAD,
        packages: Sequence[str] = ("numpy",),
        warm: Sequence[str] | None = None,
        memory_mb: int | None = None,
        cpus: float | None = None,
        sessions: bool = False,
    ) -> None:
        """Choose what containers look like; the daemon is asked first when one is started.

        Args:
            image: An image with ``python3``, 3.8 or newer. By default the one in ``DEEPGYM_IMAGE``, else
                ``deepgym-sandbox`` where ``deepgym image build`` has made it, else ``python:3.11-slim``.
            runtime: The daemon's runtime to use; one whose name begins with ``runsc`` is gVisor.
            preload: Modules each runner imports once, before any submission.
            packages: Packages of the image that submissions may import, besides the standard library.
            warm: Which of them each runner imports once; by default all.
            memory_mb: Memory of a container, MiB; by default three quarters of the daemon's machine.
            cpus: CPUs a container may use; by default all.
            sessions: Runners hold sessions' workspaces instead of judging submissions.
        """
        self.name = "gvisor" if (runtime or "").startswith("runsc") else "docker"
        self._image = image or os.environ.get("DEEPGYM_IMAGE")
        self._runtime = runtime
        self._preload = tuple(preload)
        self._packages = tuple(packages)
        self._warm = [name for name in packages if warm is None or name in warm]
        self._memory_mb = memory_mb
        self._cpus = cpus
        self._programs = warm is not None
        self._sessions = sessions
        self._worked = False

    def for_sessions(self) -> DockerBackend:
        """Return a backend like this one whose runners hold sessions."""
        return DockerBackend(
            self._image,
            runtime=self._runtime,
            preload=self._preload,
            packages=(),
            memory_mb=self._memory_mb,
            cpus=self._cpus,
            sessions=True,
        )

    def for_suites(self) -> DockerBackend:
        """Return a backend like this one whose runners have what suites of tests use."""
        return DockerBackend(
            self._image,
            runtime=self._runtime,
            preload=SUITE_PRELOAD,
            packages=tuple(dict.fromkeys([*self._packages, *SUITE_PACKAGES])),
            warm=SUITE_WARM,
            memory_mb=self._memory_mb,
            cpus=self._cpus,
        )

    def start(self) -> _Container:
        """Start a container with a runner.

        Where the daemon has worked before and is away, it is waited for: it may be restarting.

        Raises:
            SandboxError: If there is no daemon, no image or no such runtime, or the container doesn't start.
        """
        deadline = time.monotonic() + (_PATIENCE_SECONDS if self._worked else 0.0)
        while True:
            try:
                with connect() as api:
                    _reap_once()
                    started = self._start(api)
                self._worked = True
                return started
            except SandboxError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE)

    def _start(self, api: Any) -> _Container:
        host = _described(lambda: api.info(), "the Docker daemon does not answer")
        if self._runtime is not None and self._runtime not in host.get("Runtimes", {}):
            raise SandboxError(_no_runtime(self._runtime))
        image = self._find_image(api)
        memory = (self._memory_mb or int(host["MemTotal"] * _SHARE_OF_MEMORY) >> 20) << 20
        created = _described(
            lambda: api.create_container(
                image,
                entrypoint=["python3", "-s", "-S", "-c", BOOT, _RUNNER_PLACE],
                command=[],
                user=_USER,
                working_dir="/",
                environment=ENVIRONMENT,
                labels=owner.labels(),
                stdin_open=True,
                host_config=self._host_config(api, host, memory),
            ),
            f"no container can be made of {image!r}",
        )["Id"]
        try:
            stream = _described(lambda: _attach(api, created), "the container's streams can't be had")
            _described(lambda: api.start(created), "the container does not start")
            stream.settimeout(_CALL_SECONDS)
            stream.sendall(bundle())
        except (SandboxError, OSError) as error:
            _remove_soon(created)
            raise error if isinstance(error, SandboxError) else SandboxError(f"the container ended: {error}") from error
        stream.setblocking(False)
        return _Container(stream, self._config(memory), self._layers(host), created)

    def _find_image(self, api: Any) -> str:
        """Return the image's name; pull it where it isn't there."""
        wanted = [self._image] if self._image else [BUILT_IMAGE, DEFAULT_IMAGE]
        for image in wanted:
            if _described(lambda image=image: api.images(image), "the daemon lists no images"):
                return image
        image = wanted[-1]
        name, _, tag = image.partition(":") if ":" in image.rpartition("/")[2] else (image, "", "latest")
        advice = "`deepgym image build` makes one of this machine's Python, without a registry"
        _described(lambda: api.pull(name, tag=tag), f"there is no image {image!r} and it can't be pulled; {advice}")
        return image

    def _host_config(self, api: Any, host: dict[str, Any], memory: int) -> dict[str, Any]:
        security = ["no-new-privileges", f"seccomp={profile()}"]
        if any("apparmor" in option for option in host.get("SecurityOptions") or ()):
            security.append("apparmor=unconfined")  # Docker's own profile refuses all mounts
        made: dict[str, Any] = api.create_host_config(
            auto_remove=True,
            cap_drop=["ALL"],
            security_opt=security,
            read_only=True,
            tmpfs={_RUNNER_PLACE: "size=4m,mode=1777"},
            network_mode="none",
            pids_limit=_PROCESSES,
            mem_limit=memory,
            memswap_limit=memory,
            nano_cpus=int(self._cpus * 1e9) if self._cpus else None,
            shm_size=1 << 20,
            ulimits=[{"Name": "core", "Soft": 0, "Hard": 0}],
            log_config={"Type": "none", "Config": {}},
            runtime=self._runtime,
        )
        # Nobody but the runner sees this /proc; where it is masked, sessions could not mount their own.
        made["MaskedPaths"] = made["ReadonlyPaths"] = []
        return made

    def _config(self, memory: int) -> dict[str, Any]:
        return {
            "namespaces": True,
            "seccomp": True,
            "landlock": True,
            "sessions": self._sessions,
            "programs": self._programs,
            "packages": list(self._packages),
            "preload": list(self._preload),
            "package_modules": modules_of(self._warm),
            "store_mb": memory >> 22,
        }

    def _layers(self, host: dict[str, Any]) -> dict[str, str | None]:
        missing = [name for name, key in (("memory", "MemoryLimit"), ("pids", "PidsLimit")) if not host.get(key)]
        layers: dict[str, str | None] = {"container": None}
        if self.name == "gvisor":
            layers["kernel"] = None
        layers["cgroup"] = f"the daemon has no {' and no '.join(missing)} limit" if missing else None
        return layers


@contextlib.contextmanager
def connect() -> Iterator[Any]:
    """Give a client of the daemon the environment names (``DOCKER_HOST`` and its like).

    Raises:
        SandboxError: If the SDK isn't installed or the daemon doesn't answer.
    """
    try:
        import docker
    except ImportError as error:
        raise SandboxError("mode='docker' needs the Docker SDK: pip install 'deepgym-env[docker]'") from error
    with contextlib.ExitStack() as stack:
        client = _described(
            lambda: _client(docker),
            "no Docker daemon answers; start it (`systemctl start docker`), or set DOCKER_HOST; your user must be "
            "allowed to use it (`usermod -aG docker $USER`)",
        )
        yield stack.enter_context(contextlib.closing(client)).api


def _client(docker: Any) -> Any:
    url = docker.utils.parse_host(os.environ.get("DOCKER_HOST"))
    if url.startswith("http+unix://"):  # where nobody answers, the SDK would leave its socket open
        path = url.removeprefix("http+unix://")
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(path)
            except OSError as error:
                raise OSError(error.errno, error.strerror, path) from error
    return docker.from_env(version="auto", timeout=_CALL_SECONDS)


def _described(call: Any, problem: str) -> Any:
    """Call, and say in case of failure what it means."""
    import docker.errors
    import requests

    try:
        return call()
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        detail = getattr(error, "explanation", None) or str(error)
        raise SandboxError(f"{problem}: {detail}") from error


def _attach(api: Any, container: str) -> socket.socket:
    """Return a container's three streams as one socket."""
    raw = api.attach_socket(container, {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
    plain = getattr(raw, "_sock", raw)
    if type(plain) is not socket.socket:
        raise OSError(
            f"a daemon behind {type(plain).__name__} has no stream to wait on; forward its socket, as with "
            "`ssh -L /tmp/docker.sock:/var/run/docker.sock host` and DOCKER_HOST=unix:///tmp/docker.sock"
        )
    own = plain.dup()
    raw.close()
    plain.close()
    return own


def _no_runtime(runtime: str) -> str:
    lines = json.dumps({"runtimes": {runtime: {"path": "/usr/bin/runsc", "runtimeArgs": ["--network=none"]}}})
    return (
        f"the Docker daemon has no runtime {runtime!r}; install gVisor's runsc, put {lines} into "
        "/etc/docker/daemon.json and have the daemon read it (`systemctl reload docker`)"
    )


@functools.cache
def _reap_once() -> None:
    """Remove containers whose owner is gone; once in a program."""
    threading.Thread(target=reap, name="deepgym-reaper", daemon=True).start()


def reap() -> list[str]:
    """Remove containers whose owner is gone, and return their ids."""
    gone: list[str] = []
    with contextlib.suppress(SandboxError), connect() as api:
        for found in _described(lambda: api.containers(all=True, filters={"label": owner.LABEL}), "no list"):
            if owner.is_gone(found["Labels"]):
                _remove(found["Id"])
                gone.append(found["Id"])
    return gone
