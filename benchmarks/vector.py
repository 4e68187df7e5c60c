"""``CodingVectorEnv`` against Gymnasium's own vectors of the same environment: steps/s and memory.

Each contestant runs in a process of its own, one after the other; memory is the proportional set
size (shared pages counted once) of it and all it started. Actions are distinct correct solutions.

Usage: ``python benchmarks/vector.py [--envs 16 64 256] [--steps 4] [--task coin_change]``
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

from deepgym_env import load_task
from deepgym_env.envs import CodingVectorEnv
from deepgym_env.wrappers import ScalarReward, VectorScalarReward

CONTESTANTS = ("CodingVectorEnv", "SyncVectorEnv", "AsyncVectorEnv")


def scalar(task: str) -> Callable[[], gym.Env[Any, Any]]:
    return lambda: ScalarReward(gym.make(f"DeepGym/{task}"))


def make(kind: str, task: str, n: int) -> Any:
    mode = AutoresetMode.DISABLED
    if kind == "SyncVectorEnv":
        return SyncVectorEnv([scalar(task)] * n, autoreset_mode=mode)
    if kind == "AsyncVectorEnv":
        return AsyncVectorEnv([scalar(task)] * n, shared_memory=False, autoreset_mode=mode)
    return VectorScalarReward(CodingVectorEnv(task, n, autoreset_mode=mode))


def family(pid: int) -> list[int]:
    """Return a process and all it has started."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, queue = [], [pid]
    while queue:
        found.append(queue.pop())
        queue += parents.get(found[-1], [])
    return found


def memory_mb(pids: list[int]) -> float:
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def measure(kind: str, task: str, n: int, steps: int) -> None:
    """Print seconds to start, steps/s, memory and processes of one contestant."""
    reference = load_task(task).reference
    began = time.perf_counter()
    envs = make(kind, task, n)
    envs.reset(seed=0)
    envs.step([f"{reference}\n# warm {i}" for i in range(n)])
    started = time.perf_counter() - began
    spent = 0.0
    for step in range(steps):
        envs.reset(seed=0)
        actions = [f"{reference}\n# {step} {i}" for i in range(n)]
        began = time.perf_counter()
        rewards = envs.step(actions)[1]
        spent += time.perf_counter() - began
        assert min(rewards) > 0.999, rewards
    pids = family(os.getpid())
    print(f"{started:.1f} {n * steps / spent:.1f} {memory_mb(pids):.0f} {len(pids)}")
    envs.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--envs", type=int, nargs="+", default=[16, 64, 256])
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--task", default="coin_change")
    parser.add_argument("--only", choices=CONTESTANTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        measure(given.only, given.task, given.envs[0], given.steps)
        return
    print(f"{'envs':>5} {'contestant':16} {'start s':>8} {'steps/s':>8} {'MiB':>7} {'processes':>9}")
    for n in given.envs:
        for kind in CONTESTANTS:
            command = [sys.executable, __file__, "--only", kind, "--envs", str(n)]
            command += ["--steps", str(given.steps), "--task", given.task]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"{n:5} {kind:16} failed: {done.stderr.strip().splitlines()[-1:]}")
                continue
            started, rate, memory, processes = done.stdout.split()
            print(f"{n:5} {kind:16} {started:>8} {rate:>8} {memory:>7} {processes:>9}", flush=True)


if __name__ == "__main__":
    main()
