from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict
from gymnasium.utils.env_checker import check_env

from deepgym_env.errors import ConfigError
from deepgym_env.wrappers import ChatObservation, ScalarReward, TestVectorObservation, VectorTestVectorObservation


def test_scores_and_turn(wired):
    env = TestVectorObservation(wired)
    assert env.observation_space == Dict({"tests": Box(0, 1, (3,)), "turn": Box(0, np.inf, (1,))})
    observation, _ = env.reset(seed=0)
    assert (observation["tests"].tolist(), observation["turn"].tolist()) == ([0, 0, 0], [0])
    env.step(3)
    observation, *_ = env.step(1)
    assert (observation["tests"].tolist(), observation["turn"].tolist()) == ([0.5, 1, 0], [2])


def test_flat_is_one_box(wired):
    env = TestVectorObservation(wired, flat=True)
    assert env.observation_space == Box(np.zeros(4, np.float32), np.array([1, 1, 1, np.inf], np.float32))
    env.reset(seed=0)
    observation, *_ = env.step(1)
    assert (observation.tolist(), observation.dtype) == ([0, 1, 0, 1], np.float32)


@pytest.mark.filterwarnings("ignore:.*different from the unwrapped version.*")
@pytest.mark.filterwarnings("ignore:.*observation space maximum value is infinity.*")
@pytest.mark.parametrize("flat", [False, True])
def test_gymnasiums_checker_accepts_it(switches, flat):
    check_env(TestVectorObservation(ScalarReward(switches()), flat=flat), skip_render_check=True)


def test_padding_stays_zero(switches):
    env = TestVectorObservation(switches(own=2, padding=1))
    env.reset(seed=0)
    env.step(0)
    assert env.step(1)[0]["tests"].tolist() == [1, 1, 0]


def test_what_is_missing_is_named(wired, make_envs):
    for wrapper, env in (
        (TestVectorObservation, gym.make("CartPole-v1")),
        (VectorTestVectorObservation, gym.make_vec("CartPole-v1", num_envs=2)),
    ):
        with pytest.raises(ConfigError, match=rf"^{wrapper.__name__} needs .* reward_space"):
            wrapper(env)

    class Silent(gym.Wrapper):
        def reset(self, **options):
            return super().reset(**options)[0], {}

    with pytest.raises(ConfigError, match=r"info\['tests'\]"):
        TestVectorObservation(Silent(wired)).reset(seed=0)


def test_it_is_the_last_word_on_observations(wired):
    with pytest.raises(ConfigError, match="needs text"):
        ChatObservation(TestVectorObservation(wired))
