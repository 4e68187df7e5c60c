"""A vector wrapper does to a vector what its twin does to each environment, under every autoreset mode."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from mo_gymnasium.wrappers.vector import MOSyncVectorEnv

from deepgym_env import wrappers as w


def by_observation(info, observation):
    return float(observation[:2] @ [0.3, -1.7] + observation[-1]) + len(info)


def chain(*layers):
    def wrap(env):
        for layer in layers:
            env = layer(env)
        return env

    return wrap


def twins(name, *args, **kwargs):
    return (
        lambda env: getattr(w, name)(env, *args, **kwargs),
        lambda env: getattr(w, f"Vector{name}")(env, *args, **kwargs),
    )


def after(first, second):
    return tuple(chain(inner, outer) for inner, outer in zip(first, second, strict=True))


MEAN = twins("ScalarReward")
PAIRS = {
    "mean": MEAN,
    "all": twins("ScalarReward", how="all"),
    "weighted": twins("ScalarReward", how="weighted", weights=[0.5, -1, 2]),
    "sparse": twins("SparseReward"),
    "sparse_mean": twins("SparseReward", how="mean"),
    "gated": twins("GatedReward", {"efficiency": 0.5}),
    "gated_mean": twins("GatedReward", {"efficiency": 0.5, "style": 9}, how="mean"),
    "turn": after(MEAN, twins("TurnPenalty", 0.25)),
    "format": after(MEAN, twins("FormatPenalty", 0.25)),
    "score": after(MEAN, twins("PotentialShaping", "score", gamma=0.5)),
    "public_score": after(MEAN, twins("PotentialShaping", "public_score")),
    "by_observation": after(MEAN, twins("PotentialShaping", by_observation, gamma=0.9)),
    "tests": twins("TestVectorObservation"),
    "flat_tests": twins("TestVectorObservation", flat=True),
    "all_at_once": after(
        after(after(twins("GatedReward", {"efficiency": 1}), twins("FormatPenalty")), twins("PotentialShaping")),
        twins("TestVectorObservation"),
    ),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_parity(assert_parity, pair):
    assert_parity(*pair)


def test_the_comparison_can_fail(assert_parity):
    with pytest.raises(AssertionError):
        assert_parity(PAIRS["mean"][0], PAIRS["all"][1])


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_rewards_are_one_array_of_floats(make_envs, pair):
    envs = pair[1](make_envs(3))
    envs.reset(seed=0)
    observations, rewards, *_ = envs.step(np.zeros(3, int))
    assert rewards.shape in ((3,), (3, 3))
    assert envs.observation_space.contains(observations)
    envs.close()


def test_a_reset_of_everything_forgets_all_episodes(make_envs):
    envs = w.VectorScalarReward(make_envs(2), how="all")
    for _ in range(2):
        envs.reset(seed=0)
        steps = [envs.step(np.array([action] * 2))[1].tolist() for action in range(3)]
        assert steps == [[0, 0], [0, 0], [1, 1]]


def test_a_partial_reset_leaves_the_others_alone(make_envs):
    envs = w.VectorTestVectorObservation(w.VectorScalarReward(make_envs(2), how="all"))
    envs.reset(seed=0)
    envs.step(np.array([0, 0]))
    before, *_ = envs.step(np.array([1, 1]))
    options = {"reset_mask": np.array([True, False])}
    observations, _ = envs.reset(options=options)
    assert observations["turn"].tolist() == [[0], [2]]
    assert observations["tests"].tolist() == [[0, 0, 0], before["tests"][1].tolist()]
    assert envs.step(np.array([2, 2]))[1].tolist() == [0, 1]


@pytest.mark.parametrize("mask", [[True, False], np.array([True]), np.array([1, 0]), np.array([False, False])], ids=str)
def test_a_bad_reset_mask_is_refused_by_gymnasium(make_envs, mask):
    envs = w.VectorScalarReward(make_envs(2))
    envs.reset(seed=0)
    with pytest.raises((TypeError, ValueError), match="reset_mask"):
        envs.reset(options={"reset_mask": mask})


def test_a_dead_step_costs_nothing(switches):
    envs = w.VectorTurnPenalty(w.VectorScalarReward(MOSyncVectorEnv([switches, switches]), how="all"), cost=0.25)
    envs.reset(seed=0)
    played = [envs.step(np.array([action, 4]))[1].tolist() for action in (0, 1, 2, 0, 0)]
    assert played == [[-0.25, -0.25]] * 2 + [[0.75, -0.25], [0, -0.25], [-0.25, -0.25]]


@pytest.mark.parametrize("mode", ["sync", "async", "vector_entry_point"])
def test_other_vector_environments(mode):
    options = {"vector_kwargs": {"shared_memory": False}} if mode == "async" else {}
    plain = gym.make_vec("CartPole-v1", num_envs=2, vectorization_mode=mode, **options)
    envs = w.VectorTurnPenalty(plain, cost=0.5)
    envs.reset(seed=0)
    dead = 0
    for _ in range(40):
        rewards = envs.step(np.array([1, 0]))[1]
        assert set(rewards.tolist()) <= {0.5, 0.0, -0.5}
        dead += int((rewards == 0.0).sum())
    assert dead > 0
    envs.close()


def test_vector_wrappers_print_and_pass_attributes_on(make_envs):
    envs = w.VectorTurnPenalty(w.VectorScalarReward(make_envs(2)))
    assert repr(envs).startswith("<VectorTurnPenalty, <VectorScalarReward, VectorRewardSyncVectorEnv")
    assert envs.num_envs == 2
    assert envs.reward_space.shape == ()
    assert envs.unwrapped.reward_space.shape == (3,)
