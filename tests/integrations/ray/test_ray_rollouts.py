"""Episodes on all nodes, and the example that scores a Parquet file."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("ray.cluster_utils", reason="run `make test-integrations`")

import ray

from deepgym_env import load_task
from deepgym_env.cluster.env_runner import run_episodes
from deepgym_env.errors import ConfigError, UnknownTaskError
from deepgym_env.judge.not_run import not_run

pytestmark = pytest.mark.xdist_group("ray")
EXAMPLE = Path(__file__).parents[3] / "examples" / "ray_data_scoring.py"
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # nodes don't have this module
RIGHT = "def reverse_string(s): return s[::-1]"


class Solves:
    """Wrong at first, right from the second turn on."""

    async def __call__(self, messages, tools):
        return RIGHT if len(messages) > 2 else "nonsense"


class Model:
    def act(self, messages, tools):
        return RIGHT


class Dies:
    def __call__(self, messages, tools):
        os.kill(os.getpid(), signal.SIGKILL)


class DiesOnce(Dies):
    def __init__(self, folder):
        self.mark = os.path.join(folder, "died")

    def __call__(self, messages, tools):
        if not os.path.exists(self.mark):
            Path(self.mark).touch()
            super().__call__(messages, tools)
        return RIGHT


def no_policy():
    raise RuntimeError("made of nothing")


class Unreadable:
    def __reduce__(self):
        return no_policy, ()


def test_episodes_of_all_tasks_and_seeds_in_order(world):
    played = list(run_episodes(["reverse_string", "fizzbuzz"], Solves(), seeds=range(3), concurrency=2, max_turns=3))
    assert [(task, rollout.seed) for task, rollout in played] == [
        (task, seed) for task in ("reverse_string", "fizzbuzz") for seed in range(3)
    ]
    assert [rollout.end for _, rollout in played] == ["solved"] * 3 + ["turns"] * 3
    assert [len(rollout.turns) for _, rollout in played] == [2] * 3 + [3] * 3


def test_a_policy_may_be_an_actor(world):
    model = ray.remote(Model).options(num_cpus=0).remote()
    played = list(run_episodes(["reverse_string"], model, seeds=[1, 2], in_order=False, runners=1))
    assert [rollout.score for _, rollout in played] == [1.0, 1.0]
    ray.kill(model)


def test_what_a_lost_runner_played_is_played_again(world):
    """The first one to play ends its own process."""
    with tempfile.TemporaryDirectory() as folder:
        played = list(run_episodes(["reverse_string"], DiesOnce(folder), seeds=range(4), concurrency=2, runners=2))
    assert [(rollout.seed, rollout.score) for _, rollout in played] == [(seed, 1.0) for seed in range(4)]


def test_what_is_lost_again_and_again_has_no_verdict(world):
    played = list(run_episodes(["reverse_string"], Dies(), seeds=[7], runners=1, retries=1))
    assert [(rollout.seed, rollout.end, rollout.score) for _, rollout in played] == [(7, "no_verdict", None)]


def test_a_policy_that_nodes_cannot_read_is_refused(world):
    with pytest.raises(ConfigError, match="policy"):
        list(run_episodes(["reverse_string"], Unreadable(), runners=1))


def test_what_playing_raises_is_raised(world):
    with pytest.raises(UnknownTaskError):
        list(run_episodes(["no_such_task"], Model(), runners=1))
    with pytest.raises(ConfigError, match="concurrency"):
        next(run_episodes(["fizzbuzz"], Model(), concurrency=0))


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("ray_data_scoring", EXAMPLE)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    ray.cloudpickle.register_pickle_by_value(module)
    return module


@pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")  # Ray Data warns of itself
def test_a_parquet_file_is_scored(world, example, tmp_path, engine):
    task = load_task("reverse_string")
    completions = [RIGHT, "nonsense", f"Look:\n```python\n{RIGHT}\n```", None] * 10
    rows = pa.table({"task": ["reverse_string"] * 40, "completion": completions})
    pq.write_table(rows, tmp_path / "completions.parquet")
    example.score(str(tmp_path / "completions.parquet"), str(tmp_path / "scored"), actors=(1, 1), batch=16)
    scored = pq.read_table(tmp_path / "scored").to_pylist()
    assert len(scored) == 40
    for row in scored:
        result = engine.run(task, row["completion"] or "")
        assert (row["score"], row["passed"], row["status"]) == (result.score, result.passed, result.status)
        assert row["tests"] == result.vector.tolist()
        assert row["has_verdict"]


def test_a_row_without_a_verdict_is_null(example):
    task = load_task("fizzbuzz")
    rows = example.with_scores(
        pa.table({"task": ["fizzbuzz"] * 2}),
        [not_run(task, "infrastructure_error", "lost"), not_run(task, "no_code", "none")],
    ).to_pylist()
    assert (rows[0]["score"], rows[0]["passed"], rows[0]["tests"], rows[0]["has_verdict"]) == (None, None, None, False)
    assert (rows[1]["score"], rows[1]["has_verdict"]) == (0.0, True)
