"""What importing deepgym_env costs where many benchmark tasks are stored.

Stores LeetCode-like tasks under a temporary DEEPGYM_HOME and imports the package in fresh processes,
with and without them, in turn.

Usage: ``python benchmarks/registration.py [--tasks 5000] [--repeat 7]``
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from deepgym_env import load_task
from deepgym_env.benchmarks.store import write_store

IMPORT = """
import time
import gymnasium, numpy, pydantic
began = time.perf_counter(), time.process_time()
import deepgym_env
print(time.perf_counter() - began[0], time.process_time() - began[1], len(gymnasium.registry))
"""


def cost(home: str) -> tuple[float, float, int]:
    environment = {**os.environ, "DEEPGYM_HOME": home}
    done = subprocess.run([sys.executable, "-c", IMPORT], env=environment, capture_output=True, text=True, check=True)
    wall, cpu, ids = done.stdout.split()
    return float(wall), float(cpu), int(ids)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=5000)
    parser.add_argument("--repeat", type=int, default=7)
    options = parser.parse_args()
    task = load_task("two_sum")
    with tempfile.TemporaryDirectory() as full, tempfile.TemporaryDirectory() as empty:
        tasks = (task.model_copy(update={"id": f"LeetCode/problem-{n}"}) for n in range(options.tasks))
        file = write_store(Path(full) / "benchmarks" / "leetcode.tasks", "leetcode", tasks)
        print(f"{options.tasks} tasks in {file.stat().st_size / 2**20:.1f} MiB")
        pairs = [(cost(empty), cost(full)) for _ in range(options.repeat)]
    ids = pairs[0][1][2] - pairs[0][0][2]
    for number, name in enumerate(("wall", "CPU")):
        without, with_them = (statistics.median(each[side][number] for each in pairs) for side in (0, 1))
        print(f"import deepgym_env, {name}: {without:.3f} s without, {with_them:.3f} s with {ids} ids")


if __name__ == "__main__":
    main()
