"""What each backend costs: start, one submission, throughput and memory, side by side in one process.

Backends that can't be had here are left out, with the reason. ``docker run`` of ``python3 -c pass``, which
judges nothing, is timed in the same turns as the submissions.

Usage: ``python benchmarks/backends.py [ROUNDS] [--modes local docker gvisor runsc]``
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from deepgym_env import DeepGym, load_environment
from deepgym_env.errors import SandboxError
from deepgym_env.sandbox.docker import BUILT_IMAGE

TASK = load_environment("coin_change")
BATCH = 200


def timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def processes() -> set[int]:
    return {int(name) for name in os.listdir("/proc") if name.isdigit()}


def memory(pids: set[int]) -> float:
    """Return the proportional share of memory of processes, MiB."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return total / 1024


def docker_run() -> None:
    command = ["docker", "run", "--rm", "--network=none", BUILT_IMAGE, "python3", "-I", "-S", "-c", "pass"]
    subprocess.run(command, check=True, capture_output=True)


def start(mode: str, stack: ExitStack) -> tuple[DeepGym, float, float] | None:
    """Return an engine with one warm sandbox, how long its start took, and its memory."""
    before = processes()
    engine = stack.enter_context(DeepGym(mode, workers=1))  # type: ignore[arg-type]
    try:
        took = timed(engine.isolation)
    except SandboxError as error:
        print(f"{mode}: left out: {error}")
        return None
    assert engine.run(TASK, str(TASK.reference)).passed
    return engine, took, memory(processes() - before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", nargs="?", type=int, default=60)
    parser.add_argument("--modes", nargs="+", default=["local", "docker", "gvisor", "runsc"])
    options = parser.parse_args()
    with ExitStack() as stack:
        started = {mode: start(mode, stack) for mode in options.modes}
        engines = {mode: found for mode, found in started.items() if found is not None}
        samples: dict[str, list[float]] = {mode: [] for mode in engines}
        runs: list[float] = []
        for number in range(options.rounds):
            for mode, (engine, _, _) in engines.items():
                samples[mode].append(timed(lambda engine=engine: engine.run(TASK, str(TASK.reference))))  # type: ignore[misc]
            if "docker" in engines and number % 6 == 0:
                runs.append(timed(docker_run))
        base = statistics.median(samples.get("local") or next(iter(samples.values())))
        print(f"{'backend':8} {'start s':>8} {'run ms':>8} {'of local':>9} {'runs/s':>8} {'MiB':>6}")
        for mode, (_, took, megabytes) in engines.items():
            with DeepGym(mode) as engine:  # type: ignore[arg-type]
                engine.run_batch(TASK, [f"{TASK.reference}\n# warm {n}" for n in range(8)])
                each = timed(
                    lambda engine=engine: engine.run_batch(TASK, [f"{TASK.reference}\n# {n}" for n in range(BATCH)])
                )  # type: ignore[misc]
            median = statistics.median(samples[mode])
            rate = BATCH / each
            print(f"{mode:8} {took:8.2f} {median * 1e3:8.1f} {median / base:9.2f} {rate:8.0f} {megabytes:6.0f}")
        if runs:
            median = statistics.median(runs)
            print(f"`docker run`, which judges nothing: {median * 1e3:.0f} ms, {median / base:.0f} times the local run")


if __name__ == "__main__":
    main()
