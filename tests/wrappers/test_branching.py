"""An episode branches with all that its wrappers remember: branches replayed give equal returns."""

from __future__ import annotations

import gymnasium as gym
import pytest

from deepgym_env.errors import ConfigError
from deepgym_env.wrappers import (
    ChatObservation,
    FormatPenalty,
    GatedReward,
    PotentialShaping,
    ScalarReward,
    SparseReward,
    TestVectorObservation,
    TurnPenalty,
)

SOME, NONE = "def fizzbuzz(n): return []", "def fizzbuzz(n): return None"

STACKS = {
    "mean": ScalarReward,
    "all": lambda env: ScalarReward(env, how="all"),
    "sparse": lambda env: SparseReward(env, how="mean"),
    "gated": lambda env: GatedReward(env, {"efficiency": 1.0}, how="mean"),
    "penalties": lambda env: FormatPenalty(TurnPenalty(ScalarReward(env))),
    "shaping": lambda env: PotentialShaping(TestVectorObservation(ScalarReward(env, how="all")), "score", gamma=0.9),
    "chat": lambda env: PotentialShaping(ChatObservation(ScalarReward(env)), "score"),
}


def play(env, *actions):
    return repr([env.step(action) for action in actions])


@pytest.mark.parametrize("wrap", STACKS.values(), ids=STACKS)
def test_branches_replayed_are_equal(wrap):
    env = wrap(gym.make("DeepGym/fizzbuzz"))
    env.reset(seed=0)
    reference = env.unwrapped.task.reference
    env.step(SOME)
    root = env.snapshot()
    first = play(env, NONE, reference)
    for _ in range(2):
        env.restore(root)
        assert play(env, reference) != first
        env.restore(root)
        assert play(env, NONE, reference) == first
    env.forget(root)
    env.close()


def test_a_snapshot_goes_to_another_environment_wrapped_alike():
    envs = [TurnPenalty(ScalarReward(gym.make("DeepGym/fizzbuzz"), how="all")) for _ in range(2)]
    for env in envs:
        env.reset(seed=0)
    envs[0].step(SOME)
    envs[1].restore(envs[0].snapshot())
    assert play(envs[0], NONE, SOME) == play(envs[1], NONE, SOME)
    for env in envs:
        env.close()


def test_a_snapshot_of_something_else_is_refused(wired):
    env = ScalarReward(gym.make("DeepGym/fizzbuzz"))
    env.reset(seed=0)
    for use in (env.restore, env.forget):
        with pytest.raises(ConfigError, match=r"taken by ScalarReward\.snapshot\(\), got Episode"):
            use(env.unwrapped.snapshot())
    with pytest.raises(AttributeError, match="snapshot"):
        ScalarReward(wired).snapshot()
    env.close()
