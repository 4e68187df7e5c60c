from __future__ import annotations

import gymnasium as gym
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepgym_env.errors import ConfigError
from deepgym_env.wrappers import ScalarReward, SparseReward, VectorSparseReward


def test_only_the_last_step_counts(wired, rewards):
    assert rewards(SparseReward(wired), 0, 1, 0, 0, 2) == [0, 0, 0, 0, 1]


def test_a_cut_off_episode_counts_by_its_last_state(wired, rewards):
    assert rewards(SparseReward(wired), *[0, 1, 4, 4, 4, 4]) == [0] * 6
    assert rewards(SparseReward(wired, how="mean"), *[0, 1, 4, 4, 4, 4]) == pytest.approx([0] * 5 + [2 / 3])


@pytest.mark.parametrize("how", ["all", "mean"])
def test_the_return_is_the_telescoped_one(switches, how):
    @given(actions=st.lists(st.integers(0, 4), min_size=6, max_size=6), seed=st.integers(0, 5))
    def same_return(actions, seed):
        returns = []
        for wrapper in (SparseReward, ScalarReward):
            env = wrapper(switches(), how=how)
            env.reset(seed=seed)
            returns.append(0.0)
            for action in actions:
                _, reward, terminated, truncated, _ = env.step(action)
                returns[-1] += reward
                if terminated or truncated:
                    break
        assert returns[0] == pytest.approx(returns[1])

    same_return()


@pytest.mark.parametrize("wrapper", [SparseReward, ScalarReward])
@pytest.mark.parametrize("how", ["all", "mean"])
def test_padding_is_no_test(switches, wrapper, how):
    env = wrapper(switches(own=2, padding=3), how=how)
    env.reset(seed=0)
    assert sum(env.step(action)[1] for action in (0, 1)) == 1.0


def test_rewards_are_floats_and_episodes_independent(wired, rewards):
    env = SparseReward(wired)
    assert rewards(env, 0, 1, 2) == rewards(env, 0, 1, 2)
    assert all(type(reward) is float for reward in rewards(env, 0, 1, 2))


@pytest.mark.parametrize("how", ["max", None, ["all"]], ids=str)
def test_an_unknown_score_is_named(wired, how):
    with pytest.raises(ConfigError, match="'all' or 'mean', got"):
        SparseReward(wired, how=how)


def test_scalar_rewards_are_refused(wired):
    with pytest.raises(ConfigError, match="numbers already"):
        SparseReward(ScalarReward(wired))
    with pytest.raises(ConfigError, match="reward_space"):
        SparseReward(gym.make("CartPole-v1"))
    with pytest.raises(ConfigError, match="reward_space"):
        VectorSparseReward(gym.make_vec("CartPole-v1", num_envs=1))
