"""Logs that were really played, and pages asked for over HTTP's interface."""

from __future__ import annotations

import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
from fastapi.testclient import TestClient
from page_shape import Page

import deepgym_env
from deepgym_env.viewer import RunFolder
from deepgym_env.viewer.app import create_viewer_app
from deepgym_env.wrappers import EpisodeLogger

PARTLY = "Let me see.\n```python\ndef reverse_string(s):\n    return s\n```\n"
RIGHT = "```python\ndef reverse_string(s):\n    return s[::-1]\n```"
ROOT = Path(__file__).parents[2]
SOLVE = Path(deepgym_env.__file__).parent / "scenarios" / "debug_fix" / "solve.py"


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of logs: a function's episodes in one, a workspace's in another."""
    folder = tmp_path_factory.mktemp("runs")
    env = EpisodeLogger(gym.make("DeepGym/reverse_string"), folder / "functions.jsonl")
    for seed, actions in enumerate([["", PARTLY, RIGHT], [RIGHT], [PARTLY]]):
        env.reset(seed=seed)
        for action in actions:
            env.step(action)
    env.close()
    env = EpisodeLogger(gym.make("DeepGym/debug_fix", dense=True), folder / "deep" / "workspaces.jsonl")
    answer, _ = env.reset(seed=0)
    script = runpy.run_path(str(SOLVE))["solve"]()
    action = next(script)
    while True:
        answer, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            break
        action = script.send(answer)
    env.close()
    return folder


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of a few episodes of the example."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, str(ROOT / "examples" / "viewer_demo.py"), str(folder), "--episodes", "4"]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    return folder


@pytest.fixture
def client() -> Callable[..., TestClient]:
    """Makes an HTTP client of the viewer of a log."""

    def of(path: Path, **options: Any) -> TestClient:
        runs = RunFolder(path, seconds_between=0)
        return TestClient(create_viewer_app(runs, **options), base_url="http://127.0.0.1:8050")

    return of


@pytest.fixture
def page(client: Callable[..., Any]) -> Callable[..., Page]:
    """Asks for a page of a log, which must be there."""

    def ask(path: Path, address: str) -> Page:
        response = client(path).get(address)
        assert response.status_code == 200, response.text
        return Page(response.text)

    return ask
