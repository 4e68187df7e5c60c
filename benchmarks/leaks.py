"""Whether anything leaks: many episodes of ``debug_fix``, by the oracle and by random agents, in one process.

Every tenth of the way prints the descriptors of this process, the processes it has started, the mounts and the
memory of the runners, and its own memory. All should stay as they are after the first tenth.

Usage: ``python benchmarks/leaks.py [EPISODES]``
"""

from __future__ import annotations

import os
import random
import runpy
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from vector import family, memory_mb

from deepgym_env.envs import CodingVectorEnv

SOLVE = Path(__file__).parents[1] / "scenarios" / "debug_fix" / "solve.py"
N = 10
JUNK = (
    "<bash>sleep 100 & cd /tmp; export A$RANDOM=1; head -c 3000000 /dev/zero > junk$RANDOM; ls</bash>",
    '{"name": "write_file", "arguments": {"path": "a/b/c.py", "content": "x = 1"}}',
    "<bash>mkfifo pipe; ln -s / root; mkdir -p d/d/d/d; python3 -c 'print(1)'</bash>",
    '{"name": "run_tests", "arguments": {}}',
    "<bash>yes | head -c 1000000</bash>",
    "not an action",
    '{"name": "submit", "arguments": {}}',
)


def oracle() -> Generator[Any, str, None]:
    yield from runpy.run_path(str(SOLVE))["solve"]()


def at_random() -> Generator[Any, str, None]:
    rng = random.Random(0)
    while True:
        yield rng.choice(JUNK)


def mounts(pids: list[int]) -> int:
    counts = []
    for pid in pids:
        try:
            counts.append(len(Path(f"/proc/{pid}/mounts").read_text().splitlines()))
        except OSError:
            continue
    return max(counts, default=0)


def report(episodes: int) -> None:
    own = os.getpid()
    others = [pid for pid in family(own) if pid != own]
    print(
        f"{episodes:6} episodes: {len(os.listdir('/proc/self/fd')):3} descriptors, {len(others):2} processes, "
        f"{mounts(others):3} mounts, {memory_mb(others):6.1f} MiB in runners, {memory_mb([own]):6.1f} MiB here",
        flush=True,
    )


def main() -> None:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    envs = CodingVectorEnv("debug_fix", N, autoreset_mode="SameStep", max_turns=12)
    scripts: list[Callable[[], Generator[Any, str, None]]] = [oracle, at_random] * (N // 2)
    playing = [script() for script in scripts]
    envs.reset(seed=0)
    actions = [next(script) for script in playing]
    done, solved, next_report = 0, 0, wanted // 10
    while done < wanted:
        observations, _, terminated, truncated, infos = envs.step(actions)
        for i in range(N):
            if terminated[i] or truncated[i]:
                done += 1
                assert infos["final_info"]["has_verdict"][i]
                solved += bool(infos["final_info"]["passed"][i])
                playing[i] = scripts[i]()
                actions[i] = next(playing[i])
            else:
                actions[i] = playing[i].send(observations[i])
        if done >= next_report:
            report(done)
            next_report += wanted // 10
    print(f"{solved} solved")
    envs.close()
    report(done)


if __name__ == "__main__":
    main()
