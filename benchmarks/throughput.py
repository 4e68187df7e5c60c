"""Submissions per second: a batch of distinct completions of coin_change over all CPUs.

Also prints what share of the machine the work itself is (cores divided by CPU-seconds per run is
the most any scheduler could reach), and memory before and after many runs.

Usage: ``python benchmarks/throughput.py [--runs 1000] [--repeat 3] [--soak 20000] [--peer PYTHON]``

``--peer`` names the interpreter of an environment in which the PyPI package ``deepgym`` is
installed; the same completions are then scored there by its local mode.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from deepgym_env import DeepGym, load_environment

PEER = """
import json, sys, time
from deepgym import DeepGym, load_environment
codes = json.load(open(sys.argv[1]))
env, dg = load_environment("coin_change"), DeepGym(mode="local")
dg.run(env, model_output=codes[0])
began = time.perf_counter()
scores = [result.score for result in dg.run_batch(env, codes, max_parallel=8).results]
print(json.dumps({"seconds": time.perf_counter() - began, "mean": sum(scores) / len(scores)}))
"""


def memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def children_mb(parent: int) -> list[float]:
    """Resident memory of every descendant process, in MiB."""
    found = []
    for task in Path(f"/proc/{parent}/task").iterdir():
        for child in (task / "children").read_text().split():
            pages = int(Path(f"/proc/{child}/statm").read_text().split()[1])
            found += [pages * resource.getpagesize() / 2**20, *children_mb(int(child))]
    return found


def used_cpu() -> float:
    """CPU-seconds of this process and of the runners, as ``/proc`` counts them."""

    def of(pid: int) -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        own = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")  # with its reaped children
        kids = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
        return own + sum(map(of, kids))

    return of(os.getpid())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--soak", type=int, default=0, help="further runs, to see that memory stays flat")
    parser.add_argument("--peer", help="interpreter with the PyPI package deepgym")
    options = parser.parse_args()
    task = load_environment("coin_change")
    cores = len(os.sched_getaffinity(0))
    codes = [f"{task.reference}\n# completion {number}" for number in range(options.runs)]
    with DeepGym() as dg:
        dg.run_batch(task, codes[:20])
        rates, costs = [], []
        for _ in range(options.repeat):
            cpu, began = used_cpu(), time.perf_counter()
            batch = dg.run_batch(task, codes)
            rates.append(len(codes) / (time.perf_counter() - began))
            costs.append((used_cpu() - cpu) / len(codes))
            assert (batch.scores == 1.0).all()
        rate, cost = statistics.median(rates), statistics.median(costs)
        print(f"{rate:.0f} runs/s over {cores} cores (of {', '.join(f'{r:.0f}' for r in rates)})")
        print(f"{cost * 1e3:.2f} CPU-ms per run; {rate * cost / cores:.2f} of cores / CPU-seconds per run")
        print(
            f"memory: engine {memory_mb():.0f} MiB, runners' processes {[round(mb) for mb in children_mb(os.getpid())]}"
        )
        for done in range(0, options.soak, 5000):
            size = min(5000, options.soak - done)
            dg.run_batch(task, [f"{task.reference}\n# soak {done + number}" for number in range(size)])
            print(f"after {done + size} more runs: engine {memory_mb():.0f} MiB")
    if options.peer:
        peer(options.peer, codes[:100], rate)


def peer(python: str, codes: list[str], rate: float) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(codes, file)
        file.flush()
        done = subprocess.run([python, "-c", PEER, file.name], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the peer failed:\n{done.stderr}")
    told = json.loads(done.stdout.splitlines()[-1])
    theirs = len(codes) / told["seconds"]
    print(f"peer: {theirs:.1f} runs/s (mean score {told['mean']:.2f}); ratio {rate / theirs:.0f}")


if __name__ == "__main__":
    main()
