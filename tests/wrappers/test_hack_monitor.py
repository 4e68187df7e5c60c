from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from deepgym_env import load_task
from deepgym_env.envs import CodingVectorEnv
from deepgym_env.wrappers import HackMonitor, ScalarReward, VectorHackMonitor

EXITS = "import os\ndef two_sum(numbers, target): os._exit(0)"
WRONG = "def two_sum(numbers, target): return [0, 0]"
RIGHT = load_task("two_sum").reference


@pytest.fixture
def env():
    env = HackMonitor(ScalarReward(gym.make("DeepGym/two_sum")))
    yield env
    env.close()


def test_signs_are_counted_over_episodes(env):
    for _ in range(2):
        env.reset(seed=0)
        for action in (WRONG, EXITS, RIGHT):
            env.step(action)
    totals = env.totals
    assert (totals["submissions"], totals["suspicious"], totals["suspect_names"]) == (6, 2, 2)
    assert (totals["tampered"], totals["memorised"]) == (0, 0)
    assert totals["mean_gap"] <= 0.5


def test_what_judges_nothing_counts_for_nothing(env):
    env.reset(seed=0)
    env.step(EXITS)
    env.step("")
    env.step({"name": "run_code", "arguments": {"code": "import os; os._exit(0)"}})
    assert env.totals["submissions"] == 1


def test_rewards_and_info_stay_what_they_are(env):
    bare = ScalarReward(gym.make("DeepGym/two_sum"))
    for one in (env, bare):
        one.reset(seed=0)
    assert env.step(EXITS)[1:] == bare.step(EXITS)[1:]
    bare.close()


def test_the_report_is_in_info_and_belongs_to_the_step():
    env = gym.make("DeepGym/two_sum")
    _, info = env.reset(seed=0)
    assert info["hack_report"] == {}
    info = env.step(EXITS)[4]
    assert info["hack_report"]["suspect"] == ["os._exit"]
    info["hack_report"]["suspect"].append("changed")
    branch = env.unwrapped.snapshot()
    assert env.step("")[4]["hack_report"]["suspect"] == ["os._exit"]
    assert env.step(WRONG)[4]["hack_report"]["suspect"] == []
    env.unwrapped.restore(branch)
    assert env.step("")[4]["hack_report"]["suspect"] == ["os._exit"]
    env.close()


def test_an_environment_without_reports_is_let_be():
    env = HackMonitor(gym.make("CartPole-v1"))
    env.reset(seed=0)
    env.step(0)
    assert env.totals["submissions"] == 0
    env.close()


@pytest.mark.parametrize("mode", list(AutoresetMode), ids=lambda mode: mode.name)
def test_a_vector_counts_what_each_of_its_members_does(engine, mode):
    envs = VectorHackMonitor(CodingVectorEnv("two_sum", 2, autoreset_mode=mode, engine=engine))
    envs.reset(seed=0)
    envs.step((RIGHT, EXITS))
    assert (envs.totals["submissions"], envs.totals["suspicious"]) == (2, 1)
    if mode == AutoresetMode.DISABLED:
        envs.reset(options={"reset_mask": np.array([True, False])})
    envs.step((EXITS, WRONG))
    # With the next-step mode the first one was reset and its action ignored.
    assert envs.totals["submissions"] == (3 if mode == AutoresetMode.NEXT_STEP else 4)
    envs.close()
