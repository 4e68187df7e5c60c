"""Play a small training run whose log is worth looking at, and look at it.

    python examples/viewer_demo.py runs/demo          # about a minute of one core
    deepgym view runs/demo

Nobody is trained here: a scripted agent that grows better plays real environments. It answers function tasks with
faulty versions of the reference, repairs them more and more often, now and then cheats, and works through
workspaces by the scripts that the tasks are checked with.
"""

from __future__ import annotations

import argparse
import random
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym

import deepgym_env
from deepgym_env import DeepGym
from deepgym_env.audit.mutation import mutants_of
from deepgym_env.sandbox import LocalBackend
from deepgym_env.wrappers import EpisodeLogger

FUNCTIONS = ("coin_change", "valid_parentheses", "merge_intervals", "two_sum", "longest_common_subsequence")
WORKSPACES = ("debug_fix", "cli_task", "multi_file_feature")
OPTIONS: dict[str, dict[str, Any]] = {"debug_fix": {"dense": True}, "cli_task": {}, "multi_file_feature": {}}
SCENARIOS = Path(deepgym_env.__file__).parent / "scenarios"
CHEAT = "import sys\n\n\n{signature}\n    return sys._getframe(1).f_locals.get('expected')\n"


def submissions(task: Any, skill: float, draw: random.Random) -> Iterator[Any]:
    """Yield answers of an agent that knows the solution, and writes it down without a fault as ``skill`` has it."""
    faulty = [mutant.code for mutant in mutants_of(task.reference, most=12, seed=draw.randrange(99))]
    if draw.random() > 0.9:
        signature = next(line for line in task.reference.splitlines() if line.startswith("def "))
        yield f"I will look at what calls me.\n```python\n{CHEAT.format(signature=signature)}```"
    if draw.random() > 0.7:
        yield {"name": "run_code", "arguments": {"code": f"{draw.choice(faulty)}\n\nprint({task.entry_point})\n"}}
    while draw.random() > skill:
        yield f"Let me write `{task.entry_point}`.\n\n```python\n{draw.choice(faulty)}\n```"
    if draw.random() > 0.9:
        yield {"name": "sbmit", "arguments": {"code": task.reference}}
    yield f"This handles every case:\n\n```python\n{task.reference}```"


def script(task_id: str, skill: float, draw: random.Random) -> Iterator[Any]:
    """Return a workspace's solution, or one of the near misses that its tests are checked against."""
    folder = SCENARIOS / task_id
    chosen = folder / "solve.py"
    if draw.random() > skill:
        chosen = draw.choice(sorted((folder / "near_misses").glob("*.py")))
    moves: Iterator[Any] = runpy.run_path(str(chosen))["solve"]()
    return moves


def play(env: gym.Env[Any, Any], actions: Iterator[Any], seed: int) -> None:
    """Play one episode; what the environment answers is sent to scripts that wait for it."""
    env.reset(seed=seed)
    answer = None
    while True:
        try:
            action = actions.send(answer) if hasattr(actions, "send") else next(actions)
        except StopIteration:
            return
        answer, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            return


def main() -> None:
    """Play the run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--episodes", type=int, default=160)
    given = parser.parse_args()
    draw = random.Random(7)
    tasks = [*FUNCTIONS, *WORKSPACES]
    envs = {
        task: EpisodeLogger(gym.make(f"DeepGym/{task}", **OPTIONS.get(task, {"max_turns": 4})), log)
        for task in tasks
        for log in [given.folder / ("functions.jsonl" if task in FUNCTIONS else "workspaces.jsonl")]
    }
    lost = DeepGym(backend=LocalBackend(python="/no/such/python"), workers=1, retries=0)  # no sandbox starts there
    nowhere = EpisodeLogger(gym.make("DeepGym/two_sum", engine=lost), given.folder / "functions.jsonl")
    for number in range(given.episodes):
        task = draw.choice(tasks)
        skill = 0.05 + 0.6 * number / given.episodes + 0.1 * (tasks.index(task) % 3)
        moves = submissions if task in FUNCTIONS else script
        subject = envs[task].unwrapped.task if task in FUNCTIONS else task
        play(envs[task], moves(subject, skill, draw), seed=number)
        if number % 40 == 25:
            play(nowhere, submissions(envs["two_sum"].unwrapped.task, skill, draw), seed=number)
    for env in (*envs.values(), nowhere):
        env.close()
    lost.close()


if __name__ == "__main__":
    main()
