"""The choice of the next task."""

from __future__ import annotations

import json

import numpy as np
import pytest

from deepgym_env.envs import TaskSampler
from deepgym_env.errors import ConfigError


def test_weights_are_kept():
    sampler = TaskSampler(["a", "b", "c"], [1, 3, 0])
    rng = np.random.default_rng(0)
    drawn = [sampler.draw(rng) for _ in range(4000)]
    assert drawn.count("c") == 0
    assert drawn.count("b") / 4000 == pytest.approx(0.75, abs=0.03)


def test_what_was_noted_counts_for_nothing_unless_adaptive():
    sampler = TaskSampler(["a", "b"])
    for _ in range(50):
        sampler.note("a", solved=True)
    assert sampler.probabilities.tolist() == [0.5, 0.5]


def test_adaptive_sampling_prefers_a_success_rate_near_one_half():
    sampler = TaskSampler(["always", "half", "never", "fresh"], adaptive=True)
    for number in range(32):
        sampler.note("always", solved=True)
        sampler.note("never", solved=False)
        sampler.note("half", solved=number % 2 == 0)
    always, half, never, fresh = sampler.probabilities
    assert half == pytest.approx(fresh)
    assert always == pytest.approx(never)
    assert half > 5 * always > 0


def test_only_the_recent_counts():
    sampler = TaskSampler(["a", "b"], adaptive=True, window=4)
    for solved in [True] * 20 + [True, False] * 2:
        sampler.note("a", solved=solved)
    assert sampler.probabilities[0] == pytest.approx(0.5)


def test_its_state_saves_and_loads():
    sampler = TaskSampler(["a", "b"], adaptive=True)
    for number in range(9):
        sampler.note("a", solved=number < 2)
    other = TaskSampler(["b", "a"], adaptive=True)
    other.load_state_dict(json.loads(json.dumps(sampler.state_dict())))
    assert other.probabilities.tolist() == sampler.probabilities.tolist()[::-1]
    assert other.state_dict() == {"recent": {"b": [], "a": [1, 1, 0, 0, 0, 0, 0, 0, 0]}}
    TaskSampler(["z"]).load_state_dict(sampler.state_dict())


@pytest.mark.parametrize(
    "options",
    [
        {"tasks": []},
        {"tasks": ["a", "a"]},
        {"tasks": ["a"], "weights": [1, 2]},
        {"tasks": ["a", "b"], "weights": [1, -1]},
        {"tasks": ["a", "b"], "weights": [0, 0]},
        {"tasks": ["a"], "floor": 2},
        {"tasks": ["a"], "window": 0},
    ],
    ids=str,
)
def test_options_that_cannot_work_are_refused(options):
    with pytest.raises(ConfigError):
        TaskSampler(**options)


def test_certainty_everywhere_and_no_floor_is_no_division_by_zero():
    sampler = TaskSampler(["a", "b"], [1, 0], adaptive=True, floor=0.0)
    for _ in range(1000):
        sampler.note("a", solved=True)
    assert sampler.probabilities.tolist() == [1.0, 0.0]
