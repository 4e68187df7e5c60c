from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.wrappers import TransformReward
from mo_gymnasium.wrappers import LinearReward

from deepgym_env.errors import ConfigError
from deepgym_env.wrappers import (
    FormatPenalty,
    ScalarReward,
    SparseReward,
    TurnPenalty,
    VectorFormatPenalty,
    VectorScalarReward,
    VectorTurnPenalty,
)

PENALTIES = [TurnPenalty, FormatPenalty]


def test_every_turn_costs(wired, rewards):
    assert rewards(TurnPenalty(SparseReward(wired), cost=0.25), 0, 4, 1, 2) == [-0.25, -0.25, -0.25, 0.75]


def test_invalid_actions_cost(wired, rewards):
    assert rewards(FormatPenalty(SparseReward(wired), cost=0.25), 0, 4, 1, 2) == [0, -0.25, 0, 1]


def test_penalties_add_up(wired, rewards):
    env = FormatPenalty(TurnPenalty(SparseReward(wired), cost=0.25), cost=0.5)
    assert rewards(env, 0, 4) == [-0.25, -0.75]


@pytest.mark.parametrize("penalty", PENALTIES)
def test_rewards_are_floats(wired, rewards, penalty):
    assert all(type(reward) is float for reward in rewards(penalty(ScalarReward(wired)), 0, 4, 1))


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("cost", [-1, float("inf"), float("nan"), "0.1x", None, [1]], ids=str)
def test_a_cost_out_of_range_is_named(wired, penalty, cost):
    with pytest.raises(ConfigError, match=r"cost must be a finite number of at least 0, got"):
        penalty(ScalarReward(wired), cost=cost)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_a_reward_vector_is_refused_with_the_remedy(wired, penalty):
    name = penalty.__name__
    for env in (wired, gym.wrappers.TimeLimit(wired, 5), gym.make("DeepGym/fizzbuzz")):
        with pytest.raises(ConfigError, match=rf"wrap in ScalarReward first, {name}\(ScalarReward\(env\), \.\.\.\)"):
            penalty(env)


@pytest.mark.parametrize("penalty", [VectorTurnPenalty, VectorFormatPenalty])
def test_a_vector_of_reward_vectors_is_refused_with_the_remedy(make_envs, penalty):
    with pytest.raises(ConfigError, match=rf"{penalty.__name__}\(VectorScalarReward\(env\), \.\.\.\)"):
        penalty(make_envs(2))


def test_other_packages_may_make_the_number(wired, rewards):
    for env in (LinearReward(wired, np.array([1, 2, 4])), TransformReward(wired, lambda reward: float(reward.sum()))):
        assert rewards(TurnPenalty(env, cost=0.5), 0)[0] == 0.5


def test_a_vector_from_an_unknown_wrapper_is_refused_at_the_first_step(wired, rewards):
    with pytest.raises(ConfigError, match="wrap in ScalarReward first"):
        rewards(TurnPenalty(TransformReward(wired, lambda reward: 2 * reward)), 0)


def test_a_vector_of_unknown_length_is_refused_at_the_first_step(wired, rewards):
    with pytest.raises(ConfigError, match=r"shape \(3,\), got shape \(1,\)"):
        rewards(ScalarReward(TransformReward(wired, lambda reward: reward[:1])), 0)


def test_an_environment_that_judges_no_format_is_named():
    env = FormatPenalty(gym.make("CartPole-v1"))
    env.reset(seed=0)
    with pytest.raises(ConfigError, match="action_valid"):
        env.step(0)


def test_sub_environments_that_are_wrapped_already(switches):
    envs = gym.vector.SyncVectorEnv([lambda: ScalarReward(switches(), how="all")] * 2)
    with pytest.raises(ConfigError, match="reward_space"):
        VectorScalarReward(envs)
    penalised = VectorTurnPenalty(envs, cost=0.25)
    penalised.reset(seed=0)
    assert penalised.step(np.zeros(2, int))[1].tolist() == [-0.25, -0.25]
