from __future__ import annotations

import json
import pickle

import gymnasium as gym
import pytest
from gymnasium.envs.registration import EnvSpec

from deepgym_env.envs import CodingEnv, CodingVectorEnv, MixtureEnv
from deepgym_env.errors import ConfigError
from deepgym_env.wrappers import ScalarReward, VectorScalarReward

# Scores of the three tests in order: what `f` returns decides.
NONE, FIRST, TWO, ALL = (
    "def f(x): return None",
    "def f(x): return 0",
    "def f(x): return x if x < 2 else 0",
    "def f(x): return x",
)


@pytest.fixture
def env(make_task, engine):
    return CodingEnv(make_task(*(((n,), n) for n in range(3))), engine=engine)


def rewards(env, *codes):
    env.reset(seed=0)
    return [env.step(code)[1] for code in codes]


def test_mean(env):
    assert rewards(ScalarReward(env), FIRST, NONE, TWO, ALL) == pytest.approx([1 / 3, -1 / 3, 2 / 3, 1 / 3])


def test_all(env):
    assert rewards(ScalarReward(env, how="all"), FIRST, TWO, ALL) == [0.0, 0.0, 1.0]


def test_weighted(env):
    wrapped = ScalarReward(env, how="weighted", weights=[1, 2, 4])
    assert rewards(wrapped, FIRST, TWO, NONE, ALL) == pytest.approx([1, 2, -3, 7])


@pytest.mark.parametrize(("how", "weights"), [("mean", None), ("all", None), ("weighted", [0.5, 0, -1])])
def test_rewards_are_floats_that_telescope(env, how, weights):
    wrapped = ScalarReward(env, how=how, weights=weights)
    got = rewards(wrapped, FIRST, NONE, TWO, "", FIRST, ALL)
    assert all(type(reward) is float for reward in got)
    (final,) = rewards(wrapped, ALL)
    assert sum(got) == pytest.approx(final)


def test_a_reset_begins_anew(env):
    wrapped = ScalarReward(env)
    assert rewards(wrapped, FIRST) == rewards(wrapped, FIRST) == pytest.approx([1 / 3])


def test_the_rest_passes_through(env):
    env.reset(seed=0)
    plain = env.step(FIRST)
    wrapped = ScalarReward(env)
    wrapped.reset(seed=0)
    observation, _, *ends = wrapped.step(FIRST)
    assert (observation, *ends) == (plain[0], *plain[2:])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"how": "max"}, "'max'"),
        ({"how": "weighted"}, "weights"),
        ({"weights": [1, 1, 1]}, "weights"),
        ({"how": "weighted", "weights": [1, 1]}, r"\(3\), got 2"),
    ],
    ids=str,
)
def test_wrong_options_are_named(env, options, message):
    with pytest.raises(ConfigError, match=message):
        ScalarReward(env, **options)


def test_the_spec_survives_json_and_pickling():
    n_tests = len(gym.make("DeepGym/fizzbuzz").unwrapped.task.tests)
    env = ScalarReward(gym.make("DeepGym/fizzbuzz"), how="weighted", weights=list(range(n_tests)))
    for spec in (EnvSpec.from_json(env.spec.to_json()), pickle.loads(pickle.dumps(env.spec))):
        again = gym.make(spec)
        again.reset(seed=0)
        assert again.step(again.unwrapped.task.reference)[1] == pytest.approx(sum(range(n_tests)))
        again.close()
    assert json.loads(env.spec.to_json())["additional_wrappers"]
    env.close()


def test_an_environment_without_a_reward_vector_is_refused():
    with pytest.raises((ConfigError, AttributeError), match="reward_space"):
        ScalarReward(gym.make("CartPole-v1"))


def test_a_floor_is_subtracted(env):
    wrapped = ScalarReward(env, subtract_floor=True)  # a constant passes one test of three
    assert rewards(wrapped, FIRST, TWO, ALL) == pytest.approx([0.0, 0.5, 0.5])
    assert rewards(wrapped, NONE, TWO, NONE, ALL) == pytest.approx([0.0, 0.5, -0.5, 1.0])


def test_a_floor_of_one_leaves_no_reward(make_task, engine):
    env = ScalarReward(CodingEnv(make_task(((1,), 7), ((2,), 7)), engine=engine), subtract_floor=True)
    assert rewards(env, "def f(x): return 7") == [0.0]


def test_a_mixture_s_floor_is_the_episode_s(engine):
    env = ScalarReward(MixtureEnv(tasks=["fizzbuzz", "two_sum"], engine=engine), subtract_floor=True)
    for seed in range(4):
        env.reset(seed=seed)
        assert env.step(env.unwrapped.task.reference)[1] == pytest.approx(1.0)
    env.close()


def test_a_vector_s_floors_are_subtracted(make_task, engine):
    task = make_task(*(((n,), n) for n in range(3)))
    envs = VectorScalarReward(CodingVectorEnv(task, 2, engine=engine), subtract_floor=True)
    envs.reset(seed=0)
    assert envs.step([FIRST, TWO])[1].tolist() == pytest.approx([0.0, 0.5])
    envs.close()


@pytest.mark.parametrize("options", [{"how": "all"}, {"how": "weighted", "weights": [1, 1, 1]}])
def test_a_floor_goes_with_the_mean(env, options):
    with pytest.raises(ConfigError, match="mean"):
        ScalarReward(env, subtract_floor=True, **options)
