"""Every registered task as a Gymnasium environment."""

from __future__ import annotations

import copy
import json
import pickle
import random
import subprocess
import sys
import warnings

import gymnasium as gym
import mo_gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv

import deepgym_env
from deepgym_env import DeepGym, load_task
from deepgym_env.envs import CodingEnv, UnicodeText
from deepgym_env.errors import ClosedError, ConfigError, UnknownTaskError
from deepgym_env.sandbox import LocalBackend
from deepgym_env.wrappers import ScalarReward

TASK_IDS = deepgym_env.task_ids("function")
ENV_IDS = [f"DeepGym/{task_id}" for task_id in TASK_IDS]
ONE = "DeepGym/coin_change"
INFO = {
    "task",
    "turn",
    "action_valid",
    "has_verdict",
    "evaluated",
    "status",
    "passed",
    "score",
    "tests",
    "reward_components",
    "hack_report",
    "tools",
}


@pytest.fixture(scope="module", autouse=True)
def shared_engine():
    """Hold a share in the engine for the whole module, so that not each test starts one."""
    env = gym.make(ONE)
    env.reset(seed=0)
    env.step("x = 1")
    yield
    env.close()


@pytest.fixture
def make():
    made = []

    def make_env(env_id=ONE, **options):
        made.append(gym.make(env_id, **options))
        return made[-1]

    yield make_env
    for env in made:
        env.close()


def stub(task, body="pass"):
    return f"{task.prelude}\ndef {task.entry_point}(*args):\n    {body}"


def answers(task):
    """Return submissions of every kind, of which the first is right."""
    return [
        f"```python\n{task.reference}\n```",
        stub(task),
        stub(task, "return args[0]"),
        stub(task, "return []"),
        stub(task, "return True"),
        "def broken(",
        "",
        "raise ValueError",
    ]


# ── the API ───────────────────────────────────────────────────────────────────────────────


def test_every_task_is_registered():
    expected = {f"DeepGym/{task_id}" for task_id in deepgym_env.task_ids()}
    others = {"DeepGym/mixture", "DeepGym/repair", "DeepGym/construct"}
    assert expected == {env_id for env_id in gym.registry if env_id.startswith("DeepGym/")} - others


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_check_env(make, env_id):
    env = make(env_id)
    raw = env.unwrapped
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(raw)
    assert {str(warning.message).split("actual type")[0] for warning in caught} <= {
        "\x1b[33mWARN: The reward returned by `step()` must be a float, int, np.integer or np.floating, "
    }
    env.close()


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_check_env_with_a_scalar_reward_is_clean(make, env_id):
    env = ScalarReward(make(env_id).unwrapped)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # The checker's own remark on any wrapper.
        warnings.filterwarnings("ignore", message=".*is different from the unwrapped version.*")
        check_env(env)
    env.close()


def test_the_module_prefix_imports_the_package():
    env = gym.make("deepgym_env:DeepGym/coin_change")
    assert isinstance(env.unwrapped, CodingEnv)
    env.close()


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_spaces(make, env_id):
    env = make(env_id)
    observation, info = env.reset(seed=1)
    n_tests = len(env.unwrapped.task.tests)
    assert env.observation_space == env.action_space == UnicodeText()
    assert env.unwrapped.reward_space.shape == (n_tests,)
    assert env.observation_space.contains(observation)
    assert observation == env.unwrapped.task.prompt
    assert set(info) == INFO
    assert [test["id"] for test in info["tests"]] == [test.id for test in env.unwrapped.task.tests]
    assert (info["turn"], info["score"], info["passed"], info["status"]) == (0, 0.0, False, "not_run")


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_the_reference_solves_it_in_one_step(make, env_id):
    env = make(env_id)
    env.reset(seed=2)
    task = env.unwrapped.task
    observation, reward, terminated, truncated, info = env.step(task.reference)
    assert reward.dtype == np.float32
    assert reward.tolist() == [1.0] * len(task.tests)
    assert (terminated, truncated) == (True, False)
    assert (info["passed"], info["score"], info["status"], info["has_verdict"]) == (True, 1.0, "passed", True)
    assert observation == f"All {len(task.tests)} tests passed."
    assert all(type(flag) is bool for flag in (terminated, truncated, info["passed"]))


def episode(env, seed, actions):
    steps = [env.reset(seed=seed)]
    for action in actions:
        steps.append(env.step(action))
        if steps[-1][2] or steps[-1][3]:
            break
    return steps


def comparable(steps):
    return [[part.tolist() if isinstance(part, np.ndarray) else part for part in step] for step in steps]


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_the_same_seed_and_actions_give_the_same_episode(make, env_id):
    task = load_task(env_id)
    actions = [*answers(task)[1:4], task.reference]
    first, second = (comparable(episode(make(env_id), 7, actions)) for _ in range(2))
    assert first == second
    again = make(env_id)
    assert comparable(episode(again, 7, actions)) == comparable(episode(again, 7, actions)) == first


def test_another_seed_draws_other_tests(make):
    env = make()
    env.reset(seed=1)
    first = env.unwrapped.task
    env.reset(seed=2)
    assert [test.id for test in env.unwrapped.task.tests] == [test.id for test in first.tests]
    assert env.unwrapped.task.tests != first.tests
    second = env.unwrapped.task
    env.reset()
    assert env.unwrapped.task is second


def test_fresh_tests_are_drawn_at_every_reset(make):
    def drawn(env, seed):
        env.reset(seed=seed)
        tasks = [env.unwrapped.task]
        for _ in range(3):
            env.reset()
            tasks.append(env.unwrapped.task)
        return tasks

    env = make(fresh_tests=True)
    tasks = drawn(env, 3)
    assert len({task.seed for task in tasks}) == 4
    assert len({len(task.tests) for task in tasks}) == 1
    assert drawn(make(fresh_tests=True), 3) == tasks
    assert drawn(env, 4) != tasks
    assert env.step(env.unwrapped.task.reference)[2] is True


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_info_is_data_made_anew_and_says_nothing_of_this_machine(make, env_id):
    env = make(env_id)
    task = load_task(env_id)
    _, first = env.reset(seed=0)
    *_, second = env.step(stub(task, "return []"))
    kept = copy.deepcopy(second)
    second["tests"][0]["status"] = "changed"
    second["reward_components"]["correctness"] = 7
    *_, third = env.step(stub(task, "return []"))
    assert {**third, "turn": 1} == kept
    assert first["tests"] is not third["tests"]
    text = json.dumps(third)
    assert "/tmp" not in text
    assert json.loads(text) == third


ELSEWHERE = """
import json, sys, gymnasium as gym, deepgym_env
env = gym.make("DeepGym/coin_change")
steps = [env.reset(seed=3), *(env.step(code) for code in json.loads(sys.argv[1]))]
env.close()
print(json.dumps([[steps[0][0], steps[0][1]], *([o, r.tolist(), *rest] for o, r, *rest in steps[1:])]))
"""


def test_another_process_sees_the_same_episode(make):
    task = load_task(ONE, 3)
    actions = [stub(task, "return -1"), stub(task, "return {coins}"), "x = 1", task.reference]
    command = [sys.executable, "-c", ELSEWHERE, json.dumps(actions)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert json.loads(done.stdout) == comparable(episode(make(), 3, actions))


# ── rewards ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_the_return_telescopes_to_the_final_vector(make, env_id):
    task = load_task(env_id)
    rng = random.Random(env_id)
    env = make(env_id, max_turns=6)
    space = env.unwrapped.reward_space
    for _ in range(2):
        actions = rng.choices([*answers(task)[1:]], k=5) + rng.choices(answers(task), k=1)
        env.reset(seed=0)
        total = np.zeros(len(task.tests), dtype=np.float32)
        for action in actions:
            _, reward, terminated, truncated, info = env.step(action)
            assert space.contains(reward)
            total += reward
            vector = [test["score"] for test in info["tests"]]
            assert total.tolist() == vector
            assert info["score"] == pytest.approx(np.mean(vector))
            assert terminated == all(vector) == info["passed"]
        assert terminated or truncated


def test_undoing_progress_costs_what_it_earned(make):
    env = make()
    env.reset(seed=0)
    task = env.unwrapped.task
    _, up, *_ = env.step(stub(task, "return -1"))
    _, down, *_, info = env.step(stub(task, "return None"))
    assert up.sum() > 0
    np.testing.assert_array_equal(down, -up)
    assert info["score"] == 0.0


def test_rewards_are_new_arrays(make):
    env = make()
    env.reset(seed=0)
    code = stub(env.unwrapped.task, "return -1")
    _, first, *_ = env.step(code)
    first += 100
    _, second, *_, info = env.step(code)
    assert second.tolist() == [0.0] * len(first)
    assert max(test["score"] for test in info["tests"]) == 1.0


# ── episodes ──────────────────────────────────────────────────────────────────────────────


def test_an_episode_is_cut_off_after_max_turns(make):
    env = make(max_turns=3)
    env.reset(seed=0)
    ends = [env.step("def broken(")[2:4] for _ in range(3)]
    assert ends == [(False, False), (False, False), (False, True)]
    with pytest.raises(ResetNeeded):
        env.step("x = 1")
    env.reset()
    assert env.step("def broken(")[3] is False


def test_solving_on_the_last_turn_terminates(make):
    env = make(max_turns=1)
    env.reset(seed=0)
    assert env.step(env.unwrapped.task.reference)[2:4] == (True, False)


def test_a_step_before_reset_or_after_the_end_is_refused():
    env = CodingEnv("coin_change")
    with pytest.raises(ResetNeeded, match="reset"):
        env.step("x = 1")
    env.reset(seed=0)
    env.step(env.task.reference)
    with pytest.raises(ResetNeeded, match="reset"):
        env.step("x = 1")
    env.close()


@pytest.mark.parametrize(
    "action",
    [None, 7, b"def f(): pass", ["x"], {"name": "bash"}, {}, np.zeros(3), object()],
    ids=lambda action: type(action).__name__,
)
def test_an_action_that_is_no_action_is_told_so_and_changes_nothing(make, action):
    env = make()
    env.reset(seed=0)
    env.step(stub(env.unwrapped.task, "return -1"))
    *_, before = env.step("")
    observation, reward, terminated, truncated, info = env.step(action)
    assert "No call was made" in observation
    assert "submit" in observation
    assert not reward.any()
    assert (terminated, truncated, info["action_valid"], info["has_verdict"]) == (False, False, False, True)
    assert info["tests"] == before["tests"]
    assert info["turn"] == 3


@pytest.mark.parametrize("action", ["", "   \n", "```python\n```", "```\n\n```"])
def test_text_without_code_leaves_the_state_unchanged(make, action):
    env = make()
    env.reset(seed=0)
    *_, before = env.step(stub(env.unwrapped.task, "return -1"))
    observation, reward, terminated, truncated, info = env.step(action)
    assert "no code" in observation
    assert not reward.any()
    assert (terminated, truncated, info["action_valid"]) == (False, False, False)
    assert info["tests"] == before["tests"]
    assert before["score"] > 0


@pytest.mark.parametrize(
    "action", ["\ud800", "\0", "x" * (2 << 20), "```python\n\udfff\n```"], ids=lambda a: repr(a[:9])
)
def test_hostile_text_never_raises(make, action):
    env = make()
    env.reset(seed=0)
    observation, reward, *_ = env.step(action)
    assert isinstance(observation, str)
    assert not reward.any()


def test_feedback_shows_public_failures_only(make):
    env = make()
    env.reset(seed=0)
    observation, *_ = env.step(stub(env.unwrapped.task, "return None"))
    for test in env.unwrapped.task.tests:
        assert (f"Test {test.id}:" in observation) == test.public
    assert env.observation_space.contains(observation)


def test_render(make):
    env = make(render_mode="ansi")
    env.reset(seed=0)
    assert env.render().splitlines()[0] == "coin_change: turn 0 of 8, score 0.00"
    env.step(env.unwrapped.task.reference)
    assert env.render().splitlines()[0] == "coin_change: turn 1 of 8, score 1.00"
    assert CodingEnv("coin_change").render() is None


@pytest.mark.parametrize("options", [{"max_turns": 0}, {"render_mode": "human"}, {"max_turns": -1}], ids=str)
def test_wrong_options_are_named(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        CodingEnv("coin_change", **options)


def test_an_unknown_task_is_named():
    with pytest.raises(UnknownTaskError, match="coin_change"):
        CodingEnv("coin_chang")


def test_a_task_of_ones_own(make_task, engine):
    task = make_task(((1,), 2), ((2,), 3))
    env = CodingEnv(task, engine=engine)
    env.reset(seed=5)
    assert env.task is task
    assert env.step("def f(x): return 2")[1].tolist() == [1.0, 0.0]
    assert env.step("def f(x): return x + 1")[1].tolist() == [0.0, 1.0]
    with pytest.raises(ConfigError, match="fresh_tests"):
        CodingEnv(task, fresh_tests=True)


# ── specs, pickles, infrastructure ────────────────────────────────────────────────────────


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_a_spec_survives_pickling_and_json(env_id):
    spec = gym.spec(env_id)
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert EnvSpec.from_json(spec.to_json()) == spec


def test_the_spec_of_an_environment_makes_it_again(make):
    env = make(max_turns=3, fresh_tests=True)
    for spec in (pickle.loads(pickle.dumps(env.spec)), EnvSpec.from_json(env.spec.to_json())):
        again = gym.make(spec)
        assert again.unwrapped.max_turns == 3
        assert again.unwrapped.task == env.unwrapped.task
        again.close()


def test_an_infrastructure_failure_is_no_verdict(make_task):
    task = make_task(((1,), 1), ((2,), 2))
    with DeepGym(workers=1, retries=0, backend=LocalBackend(python="/no/such/python")) as broken:
        env = CodingEnv(task, engine=broken)
        env.reset(seed=0)
        observation, reward, terminated, truncated, info = env.step("def f(x): return x")
    assert reward.tolist() == [0.0, 0.0]
    assert (terminated, truncated) == (False, True)
    assert info["has_verdict"] is False
    assert "no verdict" in observation
    with pytest.raises(ResetNeeded):
        env.step("def f(x): return x")


async def _itself(engine):
    return engine


def test_an_infrastructure_failure_keeps_what_was_earned(make_task, engine):
    task = make_task(((1,), 1), ((2,), 2))
    env = CodingEnv(task, engine=engine)
    env.reset(seed=0)
    env.step("def f(x): return 1")
    with DeepGym(workers=1, retries=0, backend=LocalBackend(python="/no/such/python")) as broken:
        env._episode.engine = broken.call(_itself)
        _, reward, _, truncated, info = env.step("def f(x): return x")
    assert reward.tolist() == [0.0, 0.0]
    assert truncated
    assert [test["score"] for test in info["tests"]] == [1.0, 0.0]


# ── others' wrappers ──────────────────────────────────────────────────────────────────────


def test_mo_gymnasium_scalarises_the_vector(make):
    n_tests = len(load_task(ONE).tests)
    weights = np.arange(n_tests, dtype=np.float64)
    env = mo_gymnasium.wrappers.LinearReward(make(), weight=weights)
    env.reset(seed=0)
    *_, reward, _, _, info = env.step(env.unwrapped.task.reference)
    assert reward == pytest.approx(weights.sum())
    assert info["vector_reward"].tolist() == [1.0] * n_tests


def test_mo_gymnasium_records_episode_statistics(make):
    env = mo_gymnasium.wrappers.MORecordEpisodeStatistics(make(max_turns=2), gamma=1.0)
    env.reset(seed=0)
    env.step(stub(env.unwrapped.task, "return -1"))
    *_, info = env.step(env.unwrapped.task.reference)
    assert info["episode"]["r"].tolist() == [1.0] * len(env.unwrapped.task.tests)
    assert info["episode"]["l"] == 2


def scalar():
    return ScalarReward(gym.make(ONE, max_turns=3))


@pytest.mark.parametrize("vectorise", [SyncVectorEnv, lambda makers: AsyncVectorEnv(makers, shared_memory=False)])
def test_vectorised_environments(vectorise):
    reference = load_task(ONE).reference
    envs = vectorise([scalar] * 2)
    try:
        observations, _ = envs.reset(seed=0)
        assert list(observations) == [load_task(ONE, seed).prompt for seed in (0, 1)]
        observations, rewards, terminated, truncated, _ = envs.step((reference, "def broken("))
        assert rewards.tolist() == pytest.approx([1.0, 0.0])
        assert terminated.tolist() == [True, False]
        assert truncated.tolist() == [False, False]
        assert observations[0].startswith("All ")
        assert "syntax error" in observations[1]
    finally:
        envs.close()


# ── the shared engine ─────────────────────────────────────────────────────────────────────

COUNTING = """
import os, time, gymnasium as gym, deepgym_env
from pathlib import Path

def children():
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            found.append(stat.parent.name)
    return sorted(found)

envs = [gym.make("DeepGym/reverse_string") for _ in range(3)]
for env in envs:
    env.reset(seed=0)
assert children() == []
envs[0].step("x = 1")
started = children()
assert started
for env in envs[1:]:
    env.step("x = 1")
assert set(started) <= set(children()) and len(children()) <= len(os.sched_getaffinity(0))
envs[0].close(); envs[0].close(); envs[1].close()
assert children()
envs[2].close()
assert children() == [], children()
envs[0].reset(seed=0)
envs[0].step("x = 1")
assert children()
del envs, env
import gc; gc.collect()
assert children() == [], children()
print("fine")
"""


def test_environments_share_one_engine_that_ends_with_the_last():
    done = subprocess.run([sys.executable, "-W", "error", "-c", COUNTING], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr, done.returncode) == ("fine\n", "", 0)


def test_closing_twice_does_no_harm_and_use_goes_on():
    env = gym.make(ONE)
    env.close()
    env.reset(seed=0)
    env.step("x = 1")
    env.close()
    env.close()
    with pytest.raises(ResetNeeded):
        env.step("x = 1")
    env.reset(seed=0)
    assert env.step(env.unwrapped.task.reference)[2] is True
    env.close()


def test_a_step_on_a_closed_engine_leaves_nothing_unawaited():
    with DeepGym(workers=1) as engine:
        env = CodingEnv("reverse_string", engine=engine)
        env.reset()
    with pytest.raises(ClosedError):
        env.step("x = 1")
    with pytest.raises(ClosedError):
        env.reset()
