"""Verdicts under fire: thousands of mixed submissions while runners are killed at random.

Every submission is judged once in peace. Then all are judged while a thread kills a random
runner process with SIGKILL every so often, and again with CPU hogs that oversubscribe the machine
eightfold. None may be lost, none may get another verdict than in peace.

Usage: ``python benchmarks/chaos.py [--runs 10000] [--kill-every 2.0]``
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from deepgym_env import BatchResult, DeepGym, Limits, RunResult, load_environment

HONEST = load_environment("coin_change").reference or ""
# Weight and source; the last one costs a time limit in each of three processes.
MIX = [
    (60, HONEST),
    (15, "def coin_change(coins, amount): return -1"),
    (5, "def coin_change(coins, amount): return 1 // (amount - 11)"),
    (4, "import os\ndef coin_change(coins, amount): os._exit(0)"),
    (4, "def coin_change(coins, amount): return [0] * 10**9"),
    (3, "import ctypes\nctypes.CDLL(None).unshare(0x10000000)"),
    (3, "import os\nos.write(3, b'forged answer' * 10)\n" + HONEST),
    (3, "def coin_change(coins, amount): return 'x' * 10**7"),
    (2, "def coin_change(coins, amount):\n    print('x' * 10**6 * 2)\n    return 1"),
    (0.5, "def coin_change(coins, amount):\n    while amount == 3: pass\n    return -1"),
]


def runners() -> list[int]:
    """Pids of the runners this process started, supervisors and zygotes."""
    supervisors = [
        int(child)
        for task in Path(f"/proc/{os.getpid()}/task").iterdir()
        for child in (task / "children").read_text().split()
        if b"runner.launch" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    zygotes = [
        int(child) for pid in supervisors for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ]
    return supervisors + zygotes


def kill_at_random(every: float, stop: threading.Event, killed: list[int]) -> None:
    rng = random.Random(1)
    while not stop.wait(rng.uniform(0.5, 1.5) * every):
        try:
            victim = rng.choice(runners())
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)
        except (OSError, IndexError):
            continue  # gone between looking and killing


def run(codes: list[str], kill_every: float) -> tuple[BatchResult, int]:
    task = load_environment("coin_change").model_copy(update={"limits": Limits(cpu_seconds=0.5, wall_seconds=5.0)})
    stop, killed = threading.Event(), list[int]()
    killer = threading.Thread(target=kill_at_random, args=(kill_every, stop, killed))
    with DeepGym(retries=8) as dg:
        dg.run(task, HONEST)
        if kill_every:
            killer.start()
        began, last = time.monotonic(), [0.0]

        def progress(done: int, total: int) -> None:
            if time.monotonic() - last[0] > 10:
                last[0] = time.monotonic()
                print(f"  {done} of {total}, {time.monotonic() - began:.0f} s", file=sys.stderr)

        batch = dg.run_batch(task, codes, progress=progress)
        stop.set()
        if kill_every:
            killer.join()
    return batch, len(killed)


def differences(peace: BatchResult, war: BatchResult) -> list[tuple[RunResult, RunResult]]:
    return [(a, b) for a, b in zip(peace, war, strict=True) if a != b]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--kill-every", type=float, default=2.0, help="seconds, on average")
    options = parser.parse_args()
    rng = random.Random(0)
    sources = rng.choices([code for _, code in MIX], [weight for weight, _ in MIX], k=options.runs)
    codes = [f"{code}\n# {number}" for number, code in enumerate(sources)]
    peace, _ = run(codes, 0.0)
    print(f"in peace: {len(peace)} verdicts, {sum(not r.has_verdict for r in peace)} without")
    failed = False
    for name, hogs in (("runners killed", 0), ("runners killed, eightfold load", 8 * len(os.sched_getaffinity(0)))):
        load = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(hogs)]
        try:
            war, killed = run(codes, options.kill_every)
        finally:
            for hog in load:
                hog.kill()
                hog.wait()
        wrong = differences(peace, war)
        failed |= bool(wrong)
        retried = sum(result.timing.attempts > 1 for result in war)
        print(f"{name}: {len(war)} verdicts, {killed} kills, {retried} retried, {len(wrong)} other than in peace")
        for before, after in wrong[:5]:
            print(f"  {before.status} -> {after.status}: {after.details}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
