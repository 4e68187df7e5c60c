"""What isolation costs: one judged submission against the same runner without any isolation.

Prints medians of runs taken in turn on this machine, in one process:
- ``isolated``: ``DeepGym().run`` of coin_change's reference, all tests, full isolation;
- ``floor``: the same through a runner with every layer switched off;
- ``python``: a fresh ``python -I -S -c pass``, which isolates and judges nothing.

Usage: ``python benchmarks/overhead.py [RUNS]``
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from deepgym_env import DeepGym, load_environment
from deepgym_env.sandbox import LocalBackend


def timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1e3


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    task = load_environment("coin_change")
    assert task.reference is not None
    code = task.reference
    with (
        DeepGym(workers=1, min_isolation="full") as isolated,
        DeepGym(workers=1, min_isolation="none", backend=LocalBackend(layers=())) as floor,
    ):
        contestants: dict[str, Callable[[], object]] = {
            "isolated": lambda: isolated.run(task, code),
            "floor": lambda: floor.run(task, code),
            "python": lambda: subprocess.run([sys.executable, "-I", "-S", "-c", "pass"], check=True),
        }
        assert isolated.run(task, code).passed
        assert floor.run(task, code).passed
        samples: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(runs):
            for name, action in contestants.items():
                samples[name].append(timed(action))
    medians = {name: statistics.median(values) for name, values in samples.items()}
    for name, median in medians.items():
        print(f"{name:9} {median:7.2f} ms")
    print(f"isolated / floor  {medians['isolated'] / medians['floor']:.2f}  (asked: at most 1.3)")
    print(f"isolated / python {medians['isolated'] / medians['python']:.2f}  (asked: below 1)")


if __name__ == "__main__":
    main()
