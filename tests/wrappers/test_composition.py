"""Wrappers on top of each other: what ``gym.make`` rebuilds, what pickles, what is refused."""

from __future__ import annotations

import json
import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

import deepgym_env.wrappers
from deepgym_env.errors import ConfigError
from deepgym_env.wrappers import (
    ChatObservation,
    FormatPenalty,
    GatedReward,
    PotentialShaping,
    ScalarReward,
    SparseReward,
    TestVectorObservation,
    ToolCallAction,
    TurnPenalty,
)

STACKS = {
    "scalar": lambda env: ScalarReward(env, how="all"),
    "weighted": lambda env: ScalarReward(env, how="weighted", weights=np.arange(14)),
    "sparse": lambda env: SparseReward(env, how="mean"),
    "gated": lambda env: GatedReward(env, {"efficiency": np.float32(0.5)}),
    "penalties": lambda env: FormatPenalty(TurnPenalty(ScalarReward(env), np.float64(0.5)), cost=1),
    "shaping": lambda env: PotentialShaping(ScalarReward(env), "public_score", gamma=1),
    "chat": lambda env: ChatObservation(env, system="s", max_messages=8, max_chars=4000),
    "tests": lambda env: TestVectorObservation(env, flat=True),
    "tools": lambda env: ToolCallAction(env),
    "everything": lambda env: ToolCallAction(
        ChatObservation(PotentialShaping(FormatPenalty(TurnPenalty(GatedReward(env, {"efficiency": 1.0})))))
    ),
}


def episode(env):
    played = [env.reset(seed=0)]
    played += [env.step(action) for action in ("no idea", "def fizzbuzz(n): return []", env.unwrapped.task.reference)]
    env.close()
    return repr(played)


@pytest.mark.parametrize("wrap", STACKS.values(), ids=STACKS)
def test_the_spec_rebuilds_the_wrapped_environment(wrap):
    env = wrap(gym.make("DeepGym/fizzbuzz"))
    as_json = env.spec.to_json()
    for spec in (EnvSpec.from_json(as_json), pickle.loads(pickle.dumps(env.spec))):
        again = gym.make(spec)
        assert str(again) == str(env)
        assert json.loads(again.spec.to_json()) == json.loads(as_json)
        assert episode(again) == episode(env)


@pytest.mark.parametrize("wrap", STACKS.values(), ids=STACKS)
def test_wrapped_environments_pickle(wrap):
    env = wrap(gym.make("DeepGym/fizzbuzz"))
    assert episode(pickle.loads(pickle.dumps(env))) == episode(env)


@pytest.mark.parametrize("wrap", STACKS.values(), ids=STACKS)
def test_the_same_seed_and_actions_give_the_same_episode(wrap):
    env = wrap(gym.make("DeepGym/fizzbuzz"))
    assert episode(env) == episode(env)


@pytest.mark.parametrize("outer", [ScalarReward, SparseReward, lambda env: GatedReward(env, {"efficiency": 1})])
@pytest.mark.parametrize("inner", [ScalarReward, SparseReward, lambda env: TurnPenalty(ScalarReward(env))])
def test_a_number_is_made_of_the_vector_once(wired, outer, inner):
    with pytest.raises(ConfigError, match=r"numbers already: apply \w+ in place of the wrapper"):
        outer(inner(wired))


def test_observation_wrappers_may_lie_below_reward_wrappers(wired, rewards):
    env = TurnPenalty(ScalarReward(TestVectorObservation(wired), how="all"), cost=0.5)
    assert rewards(env, 0, 1, 2) == [-0.5, -0.5, 0.5]


def test_mo_gymnasium_wrappers_may_lie_below(wired, rewards):
    from mo_gymnasium.wrappers import MOClipReward

    env = ScalarReward(MOClipReward(wired, 0, 0.0, 0.25), how="weighted", weights=[1, 1, 1])
    assert rewards(env, 0, 1) == [0.25, 1.0]


def test_every_wrapper_has_a_vector_twin_or_needs_none():
    names = set(deepgym_env.wrappers.__all__)
    alone = {"ChatObservation", "ToolCallAction"}  # sub-environments are wrapped with these
    assert {name for name in names if not name.startswith("Vector") and f"Vector{name}" not in names} <= alone
