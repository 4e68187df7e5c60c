"""Episodes made up, and episodes that were played."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest

import deepgym_env
from deepgym_env.episodes import Episode, Turn
from deepgym_env.episodes.log import EpisodeWriter
from deepgym_env.wrappers.episode_logger import EpisodeLogger


def _made_up(*scores: list[float], **fields: Any) -> Episode:
    """Return an episode whose states have these scores by test, one turn each."""
    turns = []
    before = [0.0] * len(scores[0])
    for number, after in enumerate(scores, 1):
        tests = [
            {"id": f"t{i}", "public": i == 0, "status": "passed" if each == 1 else "wrong_answer", "score": each}
            for i, each in enumerate(after)
        ]
        passed = all(each == 1 for each in after)
        info = {
            "action_valid": True,
            "has_verdict": True,
            "evaluated": True,
            "status": "passed" if passed else "wrong_answer",
            "passed": passed,
            "score": sum(after) / len(after),
            "tests": tests,
            "reward_components": {"correctness": sum(after) / len(after)},
        }
        reward = [new - old for old, new in zip(before, after, strict=True)]
        last = number == len(scores)
        turns.append(Turn(f"action {number}", f"observation {number}", reward, passed and last, False, info))
        before = after
    known: dict[str, Any] = {
        "env": None,
        "task": "toy",
        "task_seed": None,
        "seed": 1,
        "rng": None,
        "options": None,
        "prompt": "Write f.",
        "tools": [],
        "turns": turns,
        "end": "terminated" if turns[-1].terminated else "closed",
    }
    return Episode(**{**known, **fields})


@pytest.fixture(scope="session")
def made_up() -> Callable[..., Episode]:
    """Makes episodes out of scores."""
    return _made_up


@pytest.fixture
def write_log(tmp_path: Path) -> Callable[..., Path]:
    """Writes episodes to a log."""

    def write(*episodes: Episode, name: str = "episodes.jsonl") -> Path:
        writer = EpisodeWriter(tmp_path / name)
        for episode in episodes:
            writer.append(episode)
        return writer.path

    return write


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of a few episodes of a real task: solved at once, repaired, given up."""
    path = tmp_path_factory.mktemp("played") / "episodes.jsonl"
    right = deepgym_env.load_task("reverse_string").reference
    env = EpisodeLogger(gym.make("DeepGym/reverse_string", max_turns=3), path)
    for seed, actions in enumerate(
        (
            [f"```python\n{right}\n```"],
            ["def reverse_string(s): return s", "no idea", right],
            ["def reverse_string(s): return s", "x = 1", "def reverse_string(s): return s"],
            ["def reverse_string(s): return s"],
        )
    ):
        env.reset(seed=seed)
        for action in actions:
            env.step(action)
    env.reset()
    env.close()  # others' tests see whether the engine that all share has ended
    return path
