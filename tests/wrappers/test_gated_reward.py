from __future__ import annotations

import gymnasium as gym
import pytest

from deepgym_env.errors import ConfigError
from deepgym_env.wrappers import GatedReward, ScalarReward, TurnPenalty

# The test environment's efficiency after t turns is 1 / (1 + t).


def test_quality_counts_once_everything_passes(wired, rewards):
    assert rewards(GatedReward(wired, {"efficiency": 1.0}), 0, 1, 2) == [0, 0, 1.25]


def test_quality_of_wrong_code_earns_nothing(wired, rewards):
    weighty = GatedReward(wired, {"efficiency": 100}, how="mean")
    assert rewards(weighty, 0, 1) == pytest.approx([1 / 3, 1 / 3])


def test_components_are_weighed(wired, rewards):
    env = GatedReward(wired, {"efficiency": 2.0, "style": 5.0}, how="mean")
    assert rewards(env, 0, 1, 2)[-1] == pytest.approx(1 / 3 + 2 * 0.25)


def test_it_telescopes_through_states_that_are_undone(wired, rewards):
    """Rewards add up to the gated value of the last state, also where passing is undone."""

    class Endless(gym.Wrapper):
        def step(self, action):
            observation, reward, _, truncated, info = super().step(action)
            return observation, reward, False, truncated, info

    endless = Endless(wired)
    env = GatedReward(endless, {"efficiency": 1.0})
    assert rewards(env, 0, 1, 2, 2, 2) == pytest.approx([0, 0, 1.25, -1.25, 1 + 1 / 6])


def test_an_environment_without_components_is_named(wired, rewards):
    class Without(gym.Wrapper):
        def step(self, action):
            *rest, info = super().step(action)
            del info["reward_components"]
            return *rest, info

    with pytest.raises(ConfigError, match="reward_components"):
        rewards(GatedReward(Without(wired), {"efficiency": 1}), 0, 1, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": {}}, "got {}"),
        ({"weights": ["efficiency"]}, "must map components"),
        ({"weights": {"correctness": 1}}, "correctness"),
        ({"weights": {"efficiency": "much"}}, r"weights\['efficiency'\].*'much'"),
        ({"weights": {"efficiency": float("nan")}}, "finite"),
        ({"weights": {"efficiency": 1}, "how": "weighted"}, "'all' or 'mean', got 'weighted'"),
    ],
    ids=str,
)
def test_wrong_options_are_named(wired, options, message):
    with pytest.raises(ConfigError, match=message):
        GatedReward(wired, **options)


def test_scalar_rewards_are_refused(wired):
    with pytest.raises(ConfigError, match="numbers already"):
        GatedReward(TurnPenalty(ScalarReward(wired)), {"efficiency": 1})


ASKS_TWICE = """
def first_bad_version(n, is_bad):
    low, high = 1, n
    while low < high:
        middle = (low + high) // 2
        if is_bad(middle) and is_bad(middle):
            high = middle
        elif not is_bad(middle):
            low = middle + 1
    return low
"""


def test_efficiency_of_a_real_task(rewards):
    env = GatedReward(gym.make("DeepGym/first_bad_version"), {"efficiency": 0.5})
    assert rewards(env, "def first_bad_version(n, is_bad): return 1", env.unwrapped.task.reference) == [0.0, 1.5]
    assert rewards(env, ASKS_TWICE) == [1.25]
    env.close()
