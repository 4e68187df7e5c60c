"""A Ray cluster of 1, 2, 3 nodes on this machine: efficiency, and what the cluster costs per run and per call.

Each node is a raylet with one CPU and one runner. All share this machine's cores, so computing can't get faster
than these; what shows how well the work is spread are submissions that sleep. Every figure is printed as JSON, with
the load of the machine before and after.

Usage: ``.venvs/ray/bin/python benchmarks/ray_scaling.py [--nodes 3] [--runs 600]``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pickle
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

FOLDER = tempfile.TemporaryDirectory(prefix="dgr", dir="/tmp", ignore_cleanup_errors=True)
os.environ.setdefault("RAY_TMPDIR", FOLDER.name)
os.environ.setdefault("RAY_raylet_start_wait_time_s", "120")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import ray  # noqa: E402
from ray.cluster_utils import Cluster  # noqa: E402

from deepgym_env import DeepGym, load_environment  # noqa: E402

SLEEPING = """
import time
told = []
def reverse_string(s):
    if not told:
        told.append(time.sleep(0.4))
    return s[::-1]  # {}
"""
KINDS = {"sleeping": SLEEPING, "computing": "def reverse_string(s):\n    return s[::-1]  # {}"}


def memory_mb(pid: int) -> float:
    """Proportional memory of a process and all below it, in MiB."""
    total = 0
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        total += int(line.split()[1]) if line.startswith("Pss:") else 0
    kids = [int(kid) for task in Path(f"/proc/{pid}/task").iterdir() for kid in (task / "children").read_text().split()]
    return total / 1024 + sum(memory_mb(kid) for kid in kids)


def batch(engine: DeepGym, kind: str, runs: int, round_number: int) -> dict[str, float]:
    """Judge distinct submissions; return runs per second and this process's CPU per run."""
    codes = [KINDS[kind].format(f"{round_number} {number}") for number in range(runs)]
    began, cpu = time.perf_counter(), time.process_time()
    results = engine.run_batch(load_environment("reverse_string"), codes)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    if not all(result.passed for result in results):
        sys.exit(f"not all passed: {next(result for result in results if not result.passed)}")
    return {
        "per_second": round(runs / seconds, 1),
        "driver_cpu_ms": round(1000 * cpu / runs, 3),
        "sandbox_cpu_ms": round(1000 * sum(result.timing.cpu_seconds for result in results) / runs, 2),
    }


def members(engine: DeepGym) -> list[Any]:
    async def ask(inner: Any) -> list[Any]:
        return list(inner.executor._nodes.members.values())

    return engine.call(ask)


def calls(engine: DeepGym, number: int = 500) -> dict[str, float]:
    """Empty calls of a node, one by one and all at once, and this process's CPU for each; and for each result."""
    member = members(engine)[0]
    results = 256
    packed = pickle.dumps(engine.run(load_environment("reverse_string"), KINDS["computing"].format("0 0")))

    async def one_by_one(_: Any) -> float:
        began = time.perf_counter()
        for _ in range(number):
            await member.ask("withdraw", [])
        return time.perf_counter() - began

    async def at_once(_: Any) -> float:
        began = time.perf_counter()
        await asyncio.gather(*(member.ask("withdraw", []) for _ in range(number)))
        return time.perf_counter() - began

    async def with_results(_: Any) -> None:
        for _ in range(20):
            await member.actor.__ray_call__.remote(lambda _: [(n, pickle.loads(packed)) for n in range(results)])

    figures: dict[str, float] = {"one_by_one_per_s": round(number / engine.call(one_by_one))}
    cpu = time.process_time()
    figures["at_once_per_s"] = round(number / engine.call(at_once))
    figures["driver_cpu_ms_per_call"] = round(1000 * (time.process_time() - cpu) / number, 3)
    cpu = time.process_time()
    engine.call(with_results)
    figures["driver_cpu_ms_per_result"] = round(1000 * (time.process_time() - cpu) / (20 * results), 4)
    return figures


def wire_bytes(engine: DeepGym) -> dict[str, int]:
    """What one submission and its result are, pickled, beside the task, which a node is sent once."""
    task, code = load_environment("reverse_string"), KINDS["computing"].format("0 0")
    result = engine.run(task, code)
    return {
        "order": len(pickle.dumps((1, "0" * 64, code))),
        "outcome": len(pickle.dumps((1, result))),
        "task": len(ray.cloudpickle.dumps(task)),
        "tests": len(result.cases),
    }


def started(cluster: Cluster, **arguments: Any) -> Any:
    for _ in range(3):
        try:
            return cluster.add_node(object_store_memory=80 << 20, **arguments)
        except Exception as error:  # of a start that took Ray too long
            print(f"again: {error}", file=sys.stderr)
    sys.exit("no node starts")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--runs", type=int, default=600)
    options = parser.parse_args()
    print(json.dumps({"cpus": os.cpu_count(), "load": os.getloadavg()[0]}))
    with DeepGym("local", workers=1) as engine:
        engine.isolation()
        for kind, runs in (("computing", options.runs), ("sleeping", options.runs // 4)):
            batch(engine, kind, runs // 4, -1)
            print(json.dumps({"place": "local", "kind": kind, **batch(engine, kind, runs, 0)}), flush=True)
    cluster = Cluster()
    started(cluster, num_cpus=0, include_dashboard=False)
    ray.init(address=cluster.address, log_to_driver=False)
    with DeepGym("ray", workers=1) as engine:
        for number in range(1, options.nodes + 1):
            began = time.perf_counter()
            started(cluster, num_cpus=1)
            while len(members_or_none(engine)) < number:
                time.sleep(0.1)
            joined = time.perf_counter() - began
            for kind, runs in (("computing", options.runs), ("sleeping", number * options.runs // 4)):
                batch(engine, kind, number * 32, -number)
                figures = batch(engine, kind, runs, number)
                print(json.dumps({"place": "ray", "nodes": number, "kind": kind, **figures}), flush=True)
            print(json.dumps({"nodes": number, "joined_after_s": round(joined, 1)}), flush=True)
        print(json.dumps({"calls": calls(engine), "bytes": wire_bytes(engine)}))
        pid = ray.get(members(engine)[0].actor.__ray_call__.remote(lambda _: os.getpid()))
        print(json.dumps({"node_memory_mb": round(memory_mb(pid)), "load": os.getloadavg()[0]}))
    ray.shutdown()
    cluster.shutdown()


def members_or_none(engine: DeepGym) -> list[Any]:
    """The nodes at work; the first call makes the engine look for them."""
    engine.isolation()
    return members(engine)


if __name__ == "__main__":
    main()
