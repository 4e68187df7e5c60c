"""Shaping by potentials keeps the best policy, as Ng, Harada and Russell proved; shaping without them doesn't."""

from __future__ import annotations

import itertools
import json

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

from deepgym_env.errors import ConfigError
from deepgym_env.wrappers import PotentialShaping, ScalarReward, SparseReward
from deepgym_env.wrappers.potential_shaping import POTENTIALS

GAMMA = 0.8
HORIZON = 80  # 0.8 ** 80 is 2e-8

# Three states to act in, two ways to end: by a small reward near or a large one far; loops are possible.
NEXT = {0: (1, 3, 0), 1: (2, 0, 3), 2: (4, 1, 2)}
REWARD = {(0, 1): 1.0, (1, 2): 1.0, (2, 0): 2.0, (1, 0): -0.1}
ENDS = (3, 4)
POLICIES = list(itertools.product(range(3), repeat=3))


class TwoEnds(gym.Env):
    """A small deterministic decision process."""

    observation_space = gym.spaces.Discrete(5)
    action_space = gym.spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state = 0
        return self.state, {}

    def step(self, action):
        reward = REWARD.get((self.state, action), 0.0)
        self.state = NEXT[self.state][action]
        return self.state, reward, self.state in ENDS, False, {}


class NaiveBonus(gym.Wrapper):
    """Pays for being in a state, each time: shaping as it shouldn't be."""

    def __init__(self, env, bonus):
        super().__init__(env)
        self.bonus = bonus

    def step(self, action):
        state, reward, *rest = super().step(action)
        return state, reward + self.bonus[state], *rest


def discounted_return(env, policy):
    state, _ = env.reset(seed=0)
    total = 0.0
    for t in range(HORIZON):
        state, reward, terminated, _, _ = env.step(policy[state])
        total += GAMMA**t * reward
        if terminated:
            break
    return total


def returns(env):
    return np.array([discounted_return(env, policy) for policy in POLICIES])


def tables(n=20):
    return np.random.default_rng(0).normal(scale=5.0, size=(n, 5))


def shaped(table, gamma=GAMMA):
    return PotentialShaping(TwoEnds(), lambda info, state: table[state], gamma=gamma)


def best(values):
    return set(np.flatnonzero(values > values.max() - 1e-5).tolist())


def test_the_process_has_something_to_lose():
    plain = returns(TwoEnds())
    assert 0 < len(best(plain)) < len(POLICIES) / 2
    assert {POLICIES[i][0] for i in best(plain)} == {0}  # the far end is worth more


def test_any_potential_keeps_the_order_of_policies():
    plain = returns(TwoEnds())
    for table in tables():
        np.testing.assert_allclose(returns(shaped(table)), plain - table[0], atol=1e-5)
        assert best(returns(shaped(table))) == best(plain)


def test_a_naive_bonus_does_not():
    plain = best(returns(TwoEnds()))
    changed = [best(returns(NaiveBonus(TwoEnds(), table))) != plain for table in tables()]
    assert sum(changed) > len(changed) / 2


def test_another_discount_than_the_learners_does_not():
    plain = best(returns(TwoEnds()))
    assert any(best(returns(shaped(table, gamma=1.0))) != plain for table in tables())


def test_termination_has_no_potential_and_truncation_keeps_it(wired, rewards):
    env = PotentialShaping(SparseReward(wired), "score", gamma=0.5)
    assert rewards(env, 0, 1, 2) == pytest.approx([0.5 / 3, 0.5 * 2 / 3 - 1 / 3, 1 - 2 / 3])
    assert rewards(env, 0, 4, 4, 4, 4, 4)[-1] == pytest.approx(0.5 / 3 - 1 / 3)


def test_without_discount_a_terminated_episode_returns_the_same(wired, rewards):
    env = PotentialShaping(SparseReward(wired), "score", gamma=1.0)
    assert sum(rewards(env, 0, 0, 1, 0, 2)) == pytest.approx(sum(rewards(SparseReward(wired), 0, 0, 1, 0, 2)))


def test_the_public_score_sees_public_tests_only(wired, rewards):
    env = PotentialShaping(SparseReward(wired), "public_score", gamma=1.0)
    assert rewards(env, 1, 0, 0) == [0, 1, -1]
    assert POTENTIALS["public_score"]({"tests": [{"public": False, "score": 1.0}]}, None) == 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"potential": "progress"}, "'score' or 'public_score', got 'progress'"),
        ({"potential": 3}, "got 3"),
        ({"gamma": 1.01}, "got 1.01"),
        ({"gamma": -0.1}, "got -0.1"),
        ({"gamma": None}, "got None"),
    ],
    ids=str,
)
def test_wrong_options_are_named(wired, options, message):
    with pytest.raises(ConfigError, match=message):
        PotentialShaping(ScalarReward(wired), **options)


def test_a_reward_vector_is_refused(wired):
    with pytest.raises(ConfigError, match="wrap in ScalarReward first"):
        PotentialShaping(wired)


def test_what_a_potential_lacks_is_named():
    with pytest.raises(ConfigError, match=r"info\['score'\]"):
        PotentialShaping(TwoEnds()).reset(seed=0)
    with pytest.raises(ConfigError, match="finite number, got nan"):
        PotentialShaping(TwoEnds(), lambda info, state: float("nan")).reset(seed=0)


def test_a_named_potential_survives_json():
    env = PotentialShaping(ScalarReward(gym.make("DeepGym/fizzbuzz"), how="all"), "score", gamma=1.0)
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert json.loads(again.spec.to_json()) == json.loads(env.spec.to_json())
    assert isinstance(again, PotentialShaping)
    env.close()


def test_a_potential_is_not_copied(wired):
    class Model:
        asked = 0

        def __deepcopy__(self, memo):
            raise AssertionError("copied")

        def __call__(self, info, observation):
            self.asked += 1
            return 0.0

    model = Model()
    PotentialShaping(ScalarReward(wired), model).reset(seed=0)
    assert model.asked == 1
