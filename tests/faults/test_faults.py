"""Whatever breaks beneath a batch: nothing is lost, no verdict is another, and the program goes on.

Each fault is made for real: signals to sandboxes, a killed daemon, a cut network, a full disk.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Fragile
from daemon import Daemon, Wire, wait_until

from deepgym_env import BatchResult, DeepGym, Program, load_environment
from deepgym_env.envs import CodingEnv
from deepgym_env.sandbox import docker, process
from deepgym_env.sandbox.modes import backend_for

TASK = load_environment("coin_change")
MIX = (
    str(TASK.reference),
    "def coin_change(coins, amount): return -1",
    "def coin_change(coins, amount): return 1 // (amount - 11)",
    "import os\ndef coin_change(coins, amount): os._exit(0)",
    "import os\nos.write(3, bytes([9, 0, 0, 0]) + b'forged...')\n" + str(TASK.reference),
    "import time\ntime.sleep(0.05)\n" + str(TASK.reference),
)
CODES = [f"{MIX[number % len(MIX)]}\n# {number}" for number in range(30)]


@pytest.fixture(scope="session")
def peace() -> BatchResult:
    """The verdicts when nothing breaks."""
    with DeepGym("local", workers=1) as engine:
        batch = engine.run_batch(TASK, CODES)
    assert all(result.has_verdict for result in batch)
    assert {result.status for result in batch} == {"passed", "wrong_answer", "exception", "crashed", "tampered"}
    return batch


@pytest.fixture(autouse=True)
def _no_sockets_left_to_the_next_test() -> Iterator[None]:
    yield
    gc.collect()


def under_fire(engine: DeepGym, strike: Callable[[], Any], at: tuple[int, ...] = (8,)) -> BatchResult:
    """Judge all codes, and let something break once so many have their verdict."""
    due = list(at)

    def progress(done: int, total: int) -> None:
        if due and done >= due[0]:
            due.pop(0)
            strike()

    batch = engine.run_batch(TASK, CODES, progress=progress)
    assert not due, "nothing was broken"
    return batch


def expect_same(batch: BatchResult, peace: BatchResult) -> None:
    """Check that every verdict is as in peace; show the others with their causes."""
    assert [(each.status, each.details) for each in batch if each not in peace.results] == []
    assert list(batch) == list(peace)


def test_killed_sandboxes(fragile: Fragile, peace: BatchResult) -> None:
    # Each of three strikes ends two sandboxes, and each of these may cost a submission a try.
    with DeepGym(backend=fragile, workers=2, retries=6) as engine:
        expect_same(under_fire(engine, fragile.kill, (6, 14, 22)), peace)
    assert len(fragile.handles) >= 4, "sandboxes were not replaced"


def test_a_frozen_sandbox_is_replaced(
    fragile: Fragile, peace: BatchResult, processes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_ASK_AFTER", 0.5)
    monkeypatch.setattr(process, "_GIVE_UP_AFTER", 5.0)
    before = processes.below(os.getpid())
    with DeepGym(backend=fragile, workers=1) as engine:
        expect_same(under_fire(engine, fragile.freeze), peace)
        assert len(fragile.handles) == 2
        frozen = processes.below(os.getpid()).keys() - before.keys()
        assert processes.survivors({pid: start for pid, start in before.items() if pid in frozen}) == []
        assert not _is_there(fragile.handles[0])


def _is_there(handle: Any) -> bool:
    if not hasattr(handle, "container"):
        return handle.process.poll() is None
    with docker.connect() as api, contextlib.suppress(TimeoutError):
        wait_until(lambda: not api.containers(all=True, filters={"id": handle.container}), "it stays", 30.0)
        return False
    return True


@pytest.mark.parametrize("bit", [3, 70, 900])
def test_a_bit_that_falls_over_changes_no_verdict(fragile: Fragile, peace: BatchResult, bit: int) -> None:
    with DeepGym(backend=fragile, workers=1) as engine:
        expect_same(under_fire(engine, lambda: fragile.flips.append(bit)), peace)
    assert len(fragile.handles) == 2


def test_a_sandbox_killed_in_every_try_is_no_verdict_and_the_next_has_one(fragile: Fragile) -> None:
    slow = "import time\ndef coin_change(coins, amount):\n    time.sleep(60)"
    task = TASK.model_copy(update={"limits": TASK.limits.model_copy(update={"wall_seconds": 60.0})})
    over = threading.Event()

    def keep_killing() -> None:
        while not over.wait(0.2):
            fragile.kill()

    with DeepGym(backend=fragile, workers=1, retries=1) as engine:
        killer = threading.Thread(target=keep_killing)
        killer.start()
        try:
            result = engine.run(task, slow)
        finally:
            over.set()
            killer.join()
        assert result.status == "infrastructure_error"
        assert result.score is None
        assert result.timing.attempts == 2
        assert result.details
        assert engine.run(TASK, str(TASK.reference)).passed


def test_sandboxes_that_can_not_be_started_for_a_while(fragile: Fragile, peace: BatchResult) -> None:
    with DeepGym(backend=fragile, workers=1, retries=2) as engine:

        def strike() -> None:
            fragile.refuse = 2
            fragile.kill()

        batch = under_fire(engine, strike)
        for result, expected in zip(batch, peace, strict=True):
            assert result == expected or (not result.has_verdict and result.details == "no sandbox today")
        expect_same(engine.run_batch(TASK, CODES), peace)


def test_an_episode_goes_on_in_a_fresh_sandbox(fragile: Fragile) -> None:
    with DeepGym(backend=fragile, workers=1) as engine:
        env = CodingEnv("debug_fix", engine=engine)
        env.reset(seed=0)
        env.step("<bash>mkdir made; cd made; export LEFT=here</bash>")
        fragile.kill()
        observation, _, _, truncated, info = env.step("<bash>pwd; echo $LEFT</bash>")
        env.close()
    assert "/workspace/made\nhere" in observation
    assert info["has_verdict"]
    assert not truncated


def test_programs_survive_killed_sandboxes(fragile: Fragile) -> None:
    program = Program(language="bash", code="read n; sleep 0.1; echo $((n * 2))")
    stdins = [f"{n}\n".encode() for n in range(12)]
    with DeepGym(backend=fragile, workers=1, retries=4) as engine:
        engine.execute(program, b"1\n")
        killer = threading.Timer(0.4, fragile.kill)
        killer.start()
        results = engine.execute_many(program, stdins)
        killer.join()
    assert [result.stdout for result in results] == [f"{2 * n}\n" for n in range(12)]
    assert max(result.timing.attempts for result in results) > 1


# ── this machine runs out of something ────────────────────────────────────────────────────


@contextlib.contextmanager
def no_descriptors() -> Iterator[None]:
    """Use up every descriptor this process may have."""
    held = []
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                held.append(os.open("/dev/null", os.O_RDONLY))
        yield
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def descriptors_settled() -> bool:
    """Return whether this process opens and closes nothing for half a second."""
    seen = set()
    for _ in range(10):
        seen.add(len(os.listdir("/proc/self/fd")))
        time.sleep(0.05)
    return len(seen) == 1


def test_no_descriptors_are_left(fragile: Fragile, peace: BatchResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "_PATIENCE_SECONDS", 0.5)
    with DeepGym(backend=fragile, workers=1, retries=1) as engine:
        assert engine.run(TASK, MIX[0]).passed
        with no_descriptors():  # a running sandbox needs no more
            expect_same(engine.run_batch(TASK, CODES), peace)
        fragile.kill()
        # Once the engine has noticed, what the sandbox held is free: until then there would be a few after all.
        wait_until(lambda: fragile.handles[-1].stream.fileno() < 0, "the engine does not see that it is gone")
        wait_until(descriptors_settled, "descriptors come and go")
        with no_descriptors():
            result = engine.run(TASK, MIX[0])
        assert not result.has_verdict
        assert "Too many open files" in result.details
        expect_same(engine.run_batch(TASK, CODES), peace)


@pytest.fixture
def full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A disk for temporary files on which there is no room for one more."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,nr_inodes=2048", "tmpfs", str(tmp_path)], check=True)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # chosen while there was room
    for number in range(2048):
        with contextlib.suppress(OSError):
            (tmp_path / f"ballast{number}").write_bytes(bytes(7 << 10))
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


@pytest.mark.parametrize("mode", ["local", "runsc"])
def test_no_room_for_temporary_files(mode: str, processes: Any, full_disk: Path, peace: BatchResult) -> None:
    with DeepGym(backend=Fragile(backend_for(mode), processes), workers=1, retries=1) as engine:  # type: ignore[arg-type]
        result = engine.run(TASK, MIX[0])
        assert not result.has_verdict
        if mode == "runsc" and "no runsc" in result.details:
            pytest.skip(result.details)
        assert "No space left on device" in result.details
        for ballast in full_disk.glob("ballast*"):
            ballast.unlink()
        expect_same(engine.run_batch(TASK, CODES), peace)


# ── the Docker daemon ─────────────────────────────────────────────────────────────────────

of_daemon = pytest.mark.xdist_group("daemon of the tests' own")
# The SDK leaves sockets open that it could not connect.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@of_daemon
@pytest.mark.parametrize("mode", ["docker", "gvisor"])
def test_a_daemon_that_is_killed_and_comes_back(mode: Any, at_daemon: Daemon, peace: BatchResult) -> None:
    with DeepGym(mode, workers=1, retries=12) as engine:
        _insist_on(engine)
        restart = threading.Thread(target=at_daemon.start)

        def strike() -> None:
            at_daemon.kill()
            restart.start()

        batch = under_fire(engine, strike)
        restart.join()
        expect_same(batch, peace)
        assert max(result.timing.attempts for result in batch) > 1
    wait_until(lambda: at_daemon.containers() == [], "containers are left")


def _insist_on(engine: DeepGym) -> None:
    result = engine.run(TASK, MIX[0])
    if "no runtime" in result.details:
        pytest.skip(result.details)
    assert result.passed


@of_daemon
def test_a_daemon_that_stays_away_is_named_and_its_return_is_enough(
    at_daemon: Daemon, peace: BatchResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker, "_PATIENCE_SECONDS", 0.5)
    with DeepGym("docker", workers=1, retries=1) as engine:
        _insist_on(engine)
        at_daemon.kill()
        result = engine.run(TASK, MIX[0])
        assert not result.has_verdict
        assert "no Docker daemon answers" in result.details
        at_daemon.start()
        expect_same(engine.run_batch(TASK, CODES), peace)


@of_daemon
def test_a_daemon_whose_disk_is_full(at_daemon: Daemon, peace: BatchResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "_PATIENCE_SECONDS", 0.5)
    with DeepGym("docker", workers=1, retries=1) as engine:
        _insist_on(engine)
        with at_daemon.full_disk():
            expect_same(engine.run_batch(TASK, CODES), peace)  # a running sandbox writes nothing to it
            for container in at_daemon.containers():
                subprocess.run(["docker", "kill", container], check=True, capture_output=True)
            result = engine.run(TASK, MIX[0])
            assert not result.has_verdict
            assert "no space left on device" in result.details
        expect_same(engine.run_batch(TASK, CODES), peace)


@of_daemon
def test_a_network_that_is_cut(daemon: Daemon, wire: Wire, peace: BatchResult) -> None:
    with DeepGym("docker", workers=1, retries=3) as engine:
        _insist_on(engine)
        mend = threading.Timer(2.0, wire.mend)

        def strike() -> None:
            wire.cut()
            mend.start()

        batch = under_fire(engine, strike)
        mend.join()
        expect_same(batch, peace)
        assert max(result.timing.attempts for result in batch) > 1
    wait_until(lambda: daemon.containers() == [], "containers are left")


@of_daemon
def test_a_network_that_garbles(wire: Wire, peace: BatchResult) -> None:
    with DeepGym("docker", workers=1) as engine:
        _insist_on(engine)
        batch = under_fire(engine, wire.garble)
        expect_same(batch, peace)
        assert max(result.timing.attempts for result in batch) > 1


OWNER = """
import os, sys, time
from deepgym_env import DeepGym
engine = DeepGym(workers=1)
engine.isolation()
engine.session()
print("up", flush=True)
time.sleep(600)
"""


@of_daemon
@pytest.mark.parametrize("frozen", [False, True], ids=["running", "frozen"])
def test_nothing_is_left_of_a_killed_owner(at_daemon: Daemon, frozen: bool) -> None:
    """What notices that its owner is gone goes by itself; the rest, the next program removes."""
    environment = {**os.environ, "DEEPGYM_MODE": "docker"}
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, env=environment) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"up\n"
        assert len(at_daemon.containers()) == 2
        if frozen:
            for container in at_daemon.containers():
                subprocess.run(["docker", "pause", container], check=True, capture_output=True)
        owner.send_signal(signal.SIGKILL)
    if frozen:
        time.sleep(0.5)
        assert len(at_daemon.containers()) == 2
        command = [sys.executable, "-m", "deepgym_env.cli", "doctor", "--json"]
        subprocess.run(command, env=environment, check=True, capture_output=True)
    wait_until(lambda: at_daemon.containers() == [], "containers are left")
