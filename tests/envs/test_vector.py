"""Vectors of environments: what Gymnasium's own vector gives, all at once."""

from __future__ import annotations

import os
import threading

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import deepgym_env
from deepgym_env import load_task
from deepgym_env.envs import CodingEnv, CodingVectorEnv, MixtureEnv, MixtureVectorEnv
from deepgym_env.errors import ConfigError
from deepgym_env.wrappers import VectorScalarReward

MODES = [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP, AutoresetMode.DISABLED]
N = 4


class VectorRewardSync(SyncVectorEnv):
    """Gymnasium's vector, with room for vector rewards: the model ours is held against."""

    def __init__(self, makers, **options):
        super().__init__(makers, **options)
        self._rewards = np.zeros((self.num_envs, *self.envs[0].unwrapped.reward_space.shape))


def plain(value):
    """Return a value that compares by ==."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def play(envs, actions, mode, seed):
    """Return all that a vector gives in an episode of random play."""
    told = [plain(envs.reset(seed=seed))]
    for turn in actions:
        step = envs.step(turn)
        told.append(plain(step))
        over = step[2] | step[3]
        if mode == AutoresetMode.DISABLED and over.any():
            told.append(plain(envs.reset(options={"reset_mask": over})))
    return told


def random_actions(task_id, rng, turns):
    task = load_task(task_id)
    if isinstance(task, deepgym_env.Task):
        given = [task.reference, f"def {task.entry_point}(*a): return -1", "no (code", "", {"name": "nothing"}]
    else:
        given = [
            "<bash>echo $RANDOM_$X; export X=1; pwd</bash>",
            {"name": "submit", "arguments": {}},
            "?",
            "```sh\nls\n```",
        ]
    picks = rng.integers(0, len(given), size=(turns, N))
    return [[given[pick] for pick in row] for row in picks]


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize("task_id", ["coin_change", "debug_fix"])
def test_random_play_gives_what_gymnasiums_vector_gives(own, task_id, mode):
    actions = random_actions(task_id, np.random.default_rng(3), turns=7)
    options = {"max_turns": 3, "engine": own}
    ours = CodingVectorEnv(task_id, N, autoreset_mode=mode, **options)
    model = VectorRewardSync([lambda: CodingEnv(task_id, **options) for _ in range(N)], autoreset_mode=mode)
    try:
        assert play(ours, actions, mode, seed=5) == play(model, actions, mode, seed=5)
    finally:
        ours.close()
        model.close()


def test_spaces_and_dtypes(own):
    envs = CodingVectorEnv("two_sum", 3, engine=own)
    observations, infos = envs.reset(seed=0)
    assert envs.observation_space.contains(observations)
    assert envs.action_space.contains(tuple(envs.action_space.sample()))
    _, rewards, terminated, truncated, _ = envs.step(["", "", ""])
    assert (rewards.dtype, rewards.shape) == (np.float32, (3, *envs.reward_space.shape))
    assert terminated.dtype == truncated.dtype == np.bool_
    assert infos["_task"].tolist() == [True] * 3
    envs.close()
    envs.close()


@pytest.mark.parametrize("task_id", ["fizzbuzz", "debug_fix", "mixture"])
def test_make_vec(task_id):
    envs = gym.make_vec(
        f"DeepGym/{task_id}",
        num_envs=2,
        vectorization_mode="vector_entry_point",
        autoreset_mode="SameStep",
        max_turns=1,
    )
    assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert envs.num_envs == 2
    envs.reset(seed=0)
    *_, truncated, infos = envs.step(["", ""])
    assert truncated.tolist() == [True, True]
    assert infos["_final_info"].tolist() == [True, True]
    envs.close()


def test_all_members_of_a_group_get_the_same(own):
    envs = CodingVectorEnv("two_sum", 4, group_size=2, fresh_tests=True, engine=own, max_turns=1)
    for seed in (7, None):
        envs.reset(seed=seed)
        for _ in range(3):
            seeds = [env.task.seed for env in envs.envs]
            assert seeds[0] == seeds[1] != seeds[2] == seeds[3]
            envs.step([""] * 4)
            envs.step([""] * 4)  # begins anew
    envs.close()


@pytest.mark.parametrize("group_size", [0, 3])
def test_a_group_that_does_not_fit_is_refused(group_size):
    with pytest.raises(ConfigError, match="multiple"):
        CodingVectorEnv("two_sum", 4, group_size=group_size)


def test_wrong_calls_are_refused(own):
    envs = CodingVectorEnv("two_sum", 2, autoreset_mode="Disabled", engine=own)
    with pytest.raises(ResetNeeded):
        envs.step(["", ""])
    envs.reset(seed=0)
    with pytest.raises(ValueError, match="2 actions"):
        envs.step([""])
    with pytest.raises(ValueError, match="2 seeds"):
        envs.reset(seed=[1])
    with pytest.raises(TypeError, match="reset_mask"):
        envs.reset(options={"reset_mask": [True, False]})
    reference = load_task("two_sum").reference
    envs.step([reference, ""])
    with pytest.raises(ResetNeeded, match=r"\[0\]"):
        envs.step(["", ""])
    with pytest.raises(ConfigError):
        CodingVectorEnv("two_sum", 0)
    envs.close()


def test_a_sleeper_does_not_hold_up_the_others(own):
    """Twenty commands that wait take the time of one: they hold no slot the others need."""
    limits = load_task("debug_fix").limits.model_copy(update={"wall_seconds": 2.0})
    task = load_task("debug_fix").model_copy(update={"limits": limits})
    envs = CodingVectorEnv(task, 20, engine=own)
    envs.reset(seed=0)
    barrier = threading.Event()
    timer = threading.Timer(20.0, barrier.set)  # ten times what one may wait; in turns it would be 40 s
    timer.start()
    observations, *_ = envs.step(["<bash>sleep 60; echo late</bash>"] * 19 + ["<bash>echo quick</bash>"])
    assert not barrier.is_set()
    timer.cancel()
    assert observations[-1] == "quick"
    assert all("waited for more than 2 s" in text for text in observations[:-1])
    envs.close()


def test_no_environment_has_a_process_of_its_own(own):
    def processes():
        return len([name for name in os.listdir("/proc") if name.isdigit()])

    first = CodingVectorEnv("debug_fix", 2, engine=own)
    first.reset(seed=0)
    before = processes()
    many = CodingVectorEnv("debug_fix", 32, engine=own)
    many.reset(seed=0)
    assert processes() < before + 16
    many.close()
    first.close()


def test_vector_wrappers(own):
    envs = VectorScalarReward(CodingVectorEnv("two_sum", 2, engine=own))
    envs.reset(seed=0)
    rewards = envs.step([load_task("two_sum").reference, "def two_sum(n, t): return []"])[1]
    assert rewards[0] == pytest.approx(1.0)
    assert rewards[1] < 0.3
    envs.close()


# ── mixtures ──────────────────────────────────────────────────────────────────────────────

TASKS = ["fizzbuzz", "two_sum", "debug_fix"]


def test_a_mixture_is_fixed_by_its_seed(own):
    def tasks(seed):
        env = MixtureEnv(TASKS, engine=own)
        told = [env.reset(seed=seed)[1]["task"]] + [env.reset()[1]["task"] for _ in range(11)]
        env.close()
        return told

    assert tasks(1) == tasks(1)
    assert tasks(1) != tasks(2)
    assert set(tasks(1)) == set(TASKS)


def test_a_mixture_pads_and_masks(own):
    env = MixtureEnv(TASKS, engine=own)
    most = max(len(load_task(task).tests) for task in TASKS)
    assert env.reward_space.shape == (most,)
    for seed in range(6):
        _, info = env.reset(seed=seed)
        task = load_task(info["task"])
        assert info["mask"].tolist() == [True] * len(task.tests) + [False] * (most - len(task.tests))
        if isinstance(task, deepgym_env.Task):
            _, reward, terminated, _, info = env.step(task.reference)
            assert reward.tolist() == info["mask"].astype(float).tolist()
            assert terminated
    env.close()


def test_a_mixture_takes_weights_difficulty_and_tags(own):
    env = MixtureEnv(TASKS, weights=[0, 1, 0], engine=own)
    assert {env.reset(seed=seed)[1]["task"] for seed in range(5)} == {"two_sum"}
    env.close()
    env = MixtureEnv(difficulty="easy", tags=["debugging"])
    assert "debug_fix" in env.sampler.tasks
    assert all(load_task(task).difficulty == "easy" for task in env.sampler.tasks)
    with pytest.raises(ConfigError, match="no task"):
        MixtureEnv(tags=["no such tag"])


def test_a_mixtures_vector_shares_one_sampler_and_groups_get_the_same(own):
    envs = MixtureVectorEnv(6, tasks=TASKS, group_size=3, adaptive=True, max_turns=1, engine=own)
    _, infos = envs.reset(seed=4)
    for _ in range(3):
        tasks = infos["task"].tolist()
        assert len(set(tasks[:3])) == len(set(tasks[3:])) == 1
        envs.step([""] * 6)
        _, *_, infos = envs.step([""] * 6)
    noted = envs.sampler.state_dict()["recent"]
    assert sum(map(len, noted.values())) == 18
    envs.close()


def test_members_of_a_group_may_be_out_of_step(own):
    envs = MixtureVectorEnv(2, tasks=["fizzbuzz", "two_sum"], group_size=2, autoreset_mode="SameStep", engine=own)
    seen = [[], []]
    _, infos = envs.reset(seed=0)
    over = [True, True]
    for turn in range(12):
        for member in (0, 1):
            if over[member]:
                seen[member].append(infos["task"][member])
        actions = [load_task(infos["task"][0]).reference, load_task(infos["task"][1]).reference if turn % 3 else ""]
        _, _, over, _, infos = envs.step(actions)
    shorter = min(map(len, seen))
    assert seen[0][:shorter] == seen[1][:shorter]
    assert len(set(map(len, seen))) == 2
    envs.close()
