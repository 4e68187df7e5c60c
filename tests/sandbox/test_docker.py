"""What a container is made of, what a missing daemon, image or runtime is answered with, and whose it is."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deepgym_env import DeepGym, load_environment
from deepgym_env.errors import SandboxError
from deepgym_env.sandbox import owner
from deepgym_env.sandbox.docker import BUILT_IMAGE, DockerBackend, connect, reap
from deepgym_env.sandbox.runner import syscalls
from deepgym_env.sandbox.seccomp_profile import profile

TASK = load_environment("reverse_string")


def _why_not() -> str | None:
    try:
        with connect() as api:
            return None if api.images(BUILT_IMAGE) else f"no image {BUILT_IMAGE}: `deepgym image build` makes it"
    except SandboxError as error:
        return str(error)


WHY_NOT = _why_not()
needs_docker = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))


def mine() -> list[dict[str, Any]]:
    """Return this process's containers."""
    with connect() as api:
        found = api.containers(all=True, filters={"label": f"{owner.LABEL}={owner.labels()[owner.LABEL]}"})
        return [api.inspect_container(container["Id"]) for container in found]


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


@pytest.fixture
def docker() -> Iterator[DeepGym]:
    with DeepGym("docker", workers=1, image=BUILT_IMAGE) as engine:
        yield engine


@needs_docker
def test_a_container_has_no_rights(docker: DeepGym) -> None:
    assert docker.run(TASK, str(TASK.reference)).passed
    (container,) = mine()
    host = container["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert not host["Privileged"]
    assert host["ReadonlyRootfs"]
    assert host["NetworkMode"] == "none"
    assert host["PidsLimit"] > 0
    assert 0 < host["Memory"] == host["MemorySwap"]
    assert host["AutoRemove"]
    assert not host["Binds"]
    assert "no-new-privileges" in host["SecurityOpt"]
    # and so the kernel sees its first process
    status = Path(f"/proc/{container['State']['Pid']}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(fields["CapEff"], 16) == 0
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"
    assert "0" not in fields["Uid"].split()


@needs_docker
def test_everything_is_in_force(docker: DeepGym) -> None:
    isolation = docker.isolation()
    assert isolation.level == "full"
    assert [layer.name for layer in isolation.layers if not layer.active] == []
    assert isolation.layers[0].name == "container"


@needs_docker
def test_what_an_image_sets_is_not_shown(docker: DeepGym, make_task: Callable[..., Any]) -> None:
    code = "import os\ndef f(): return sorted(os.environ)"
    assert "PATH" not in docker.run(make_task(((), None)), code).cases[0].output_summary


@needs_docker
def test_nothing_is_left_once_closed() -> None:
    with DeepGym("docker", workers=2, image=BUILT_IMAGE) as engine:
        engine.run_batch(TASK, [f"{TASK.reference}\n# {n}" for n in range(20)])
        with engine.session() as session:
            session.write("a", "1")
            assert len(mine()) == 3
    assert eventually(lambda: mine() == [])


@needs_docker
def test_limits_of_a_container() -> None:
    with DeepGym(backend=DockerBackend(BUILT_IMAGE, memory_mb=512, cpus=0.5), workers=1) as engine:
        assert engine.run(TASK, str(TASK.reference)).passed
        host = mine()[0]["HostConfig"]
    assert host["Memory"] == 512 << 20
    assert host["NanoCpus"] == 500_000_000


def verdict_without(backend: DockerBackend) -> str:
    with DeepGym(backend=backend, workers=1, retries=0) as engine:
        result = engine.run(TASK, str(TASK.reference))
    assert not result.has_verdict
    assert result.score is None
    return result.details


@needs_docker
def test_an_image_that_is_not_there() -> None:
    details = verdict_without(DockerBackend("deepgym-no-such-image:1"))
    assert "deepgym-no-such-image:1" in details
    assert "deepgym image build" in details


@needs_docker
def test_a_runtime_that_is_not_there() -> None:
    details = verdict_without(DockerBackend(BUILT_IMAGE, runtime="runsc-of-nobody"))
    assert "daemon.json" in details
    assert "runsc-of-nobody" in details


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_daemon_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    details = verdict_without(DockerBackend())
    assert "no Docker daemon answers" in details
    assert "DOCKER_HOST" in details
    gc.collect()  # the SDK leaves a socket open that it could not connect


def test_a_missing_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "docker", None)
    assert "pip install 'deepgym-env[docker]'" in verdict_without(DockerBackend())


@needs_docker
def test_a_container_whose_owner_is_gone_is_reaped_and_others_are_not() -> None:
    """An owner that died while the daemon could not notice: the container is paused."""
    with connect() as api:

        def orphan(labels: dict[str, str]) -> str:
            made = api.create_container(BUILT_IMAGE, command=["python3", "-c", "input()"], labels=labels)["Id"]
            return str(made)

        dead = subprocess.run(
            [
                sys.executable,
                "-c",
                "import json; from deepgym_env.sandbox.owner import labels; print(json.dumps(labels()))",
            ],
            capture_output=True,
            check=True,
        )
        own, orphaned = orphan(owner.labels()), orphan(json.loads(dead.stdout))
        try:
            assert eventually(lambda: orphaned in reap() or not _there(api, orphaned))
            assert _there(api, own)
        finally:
            api.remove_container(own, force=True)


def _there(api: Any, container: str) -> bool:
    return any(found["Id"] == container for found in api.containers(all=True))


class TestOwner:
    def test_this_process_is_there(self) -> None:
        assert not owner.is_gone(owner.labels())

    def test_a_pid_that_was_given_to_another_process(self) -> None:
        machine, _, process = owner.labels()[owner.LABEL].partition(" ")
        pid, _, started = process.partition(":")
        assert owner.is_gone({**owner.labels(), owner.LABEL: f"{machine} {pid}:{int(started) + 1}"})

    def test_another_machines_owner_is_spared_until_its_lease_is_over(self) -> None:
        lease = next(name for name in owner.labels() if name != owner.LABEL)
        elsewhere = {owner.LABEL: f"another/machine {os.getpid()}:1", lease: str(int(time.time()) + 60)}
        assert not owner.is_gone(elsewhere)
        assert owner.is_gone({**elsewhere, lease: str(int(time.time()) - 60)})
        assert not owner.is_gone({owner.LABEL: "another/machine 1:1"})


def test_the_profile_lets_a_runner_build_namespaces_and_little_else() -> None:
    allowed = {
        name
        for rule in json.loads(profile())["syscalls"]
        if rule["action"] == "SCMP_ACT_ALLOW"
        for name in rule["names"]
    }
    assert {"unshare", "mount", "pivot_root", "setns"} <= allowed
    dangerous = {"ptrace", "bpf", "kexec_load", "init_module", "finit_module", "keyctl", "add_key", "io_uring_setup"}
    dangerous |= {"perf_event_open", "userfaultfd", "open_by_handle_at", "reboot", "swapon", "fsopen", "move_mount"}
    assert not allowed & dangerous
    assert not allowed & {*syscalls.MISSING}
