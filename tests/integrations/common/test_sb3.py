"""Stable-Baselines3 itself, on problems that DeepGym's sandbox judges."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

pytest.importorskip("stable_baselines3", reason="run `make test-integrations`")

import torch
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecMonitor

from deepgym_env import DeepGym
from deepgym_env.envs import ConstructEnv, RepairEnv
from deepgym_env.envs.repair_baselines import RandomEdits, solved_rate
from deepgym_env.envs.verdicts import verdicts_of
from deepgym_env.errors import ConfigError, SandboxError
from deepgym_env.integrations.sb3 import make_sb3_vec_env, program_vec_env
from deepgym_env.integrations.sb3_policy import edit_policy
from deepgym_env.sandbox import LocalBackend

ONE = {"programs": ["leap_days"], "faults": 1}
BY_HEART = {"programs": ["best_profit"], "faults": 2}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def vector(engine: DeepGym) -> Iterator[Any]:
    made = []

    def make(id: str = "DeepGym/repair", n_envs: int = 4, **options: Any) -> Any:
        given = ONE if id == "DeepGym/repair" else {}
        made.append(make_sb3_vec_env(id, n_envs, engine=engine, **{**given, **options}))
        return made[-1]

    yield make
    for each in made:
        each.close()


# ── environments ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("env", [RepairEnv(**ONE), ConstructEnv()], ids=["repair", "construct"])
def test_check_env(env: gym.Env[Any, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env)
    env.close()


# ── the vector ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("id", ["DeepGym/repair", "DeepGym/construct"])
def test_a_vector_gives_what_its_environments_give(vector: Any, engine: DeepGym, id: str) -> None:
    """Step for step, with resets, seeds and final observations as SB3 has them."""
    envs = vector(id, 3, seed=5)
    options = ONE if id == "DeepGym/repair" else {}
    singles = [gym.make(id, engine=engine, **options) for _ in range(3)]
    observations = envs.reset()
    for number, single in enumerate(singles):
        assert_same(_row(observations, number), single.reset(seed=5 + number)[0])
    rng = np.random.default_rng(0)
    ended = 0
    for _ in range(40):
        masks = get_action_masks(envs)
        actions = np.array([rng.choice(np.flatnonzero(mask)) for mask in masks])
        observations, rewards, dones, infos = envs.step(actions)
        for number, single in enumerate(singles):
            assert np.array_equal(masks[number], single.unwrapped.action_masks())
            seen, reward, terminated, truncated, _ = single.step(actions[number])
            assert rewards[number] == np.float32(reward)
            assert dones[number] == (terminated or truncated)
            assert infos[number]["TimeLimit.truncated"] == (truncated and not terminated)
            if dones[number]:
                ended += 1
                assert_same(infos[number]["terminal_observation"], seen)
                assert infos[number]["episode"]["r"] == pytest.approx(infos[number]["score"], abs=1e-5)
                seen, _ = single.reset()
            assert_same(_row(observations, number), seen)
    assert ended > 5
    for single in singles:
        single.close()


def test_all_programs_of_a_step_run_in_one_batch(engine: DeepGym, monkeypatch: pytest.MonkeyPatch) -> None:
    with DeepGym(workers=1) as own:
        envs = make_sb3_vec_env("DeepGym/repair", 8, engine=own, seed=0, split="train")
        envs.reset()
        verdicts = verdicts_of(own)
        batches: list[int] = []
        judge = verdicts.judge

        def noted(requests: Any) -> Any:
            before = verdicts.executed
            found = judge(requests)
            if verdicts.executed > before:
                batches.append(verdicts.executed - before)
            return found

        monkeypatch.setattr(verdicts, "judge", noted)
        masks = get_action_masks(envs)
        _, _, dones, _ = envs.step(np.array([np.flatnonzero(mask)[0] for mask in masks]))
        assert not dones.any()  # else the next episodes' programs would be judged as well
        assert len(batches) == 1
        assert 1 < batches[0] <= 8
        envs.close()


def test_methods_and_attributes_reach_the_environments(vector: Any) -> None:
    envs = vector(n_envs=2)
    envs.reset()
    assert isinstance(envs, VecMonitor)
    assert is_masking_supported(envs)
    assert np.stack(envs.env_method("action_masks")).shape == (2, 19)
    assert envs.get_attr("max_edits") == [8, 8]
    assert envs.env_is_wrapped(gym.wrappers.TimeLimit) == [False, False]


def test_what_makes_no_programs_is_refused(engine: DeepGym) -> None:
    with pytest.raises(ConfigError, match="discrete actions that make programs"):
        program_vec_env()([lambda: gym.make("CartPole-v1")])
    with pytest.raises(ConfigError, match="discrete actions that make programs"):
        make_sb3_vec_env("DeepGym/coin_change")  # whose spaces SB3 has no room for
    with pytest.raises(ConfigError, match="n_envs"):
        make_sb3_vec_env("DeepGym/repair", 0)


class Failing(LocalBackend):
    """A backend that starts nothing while it is told to fail."""

    failing = False

    def start(self) -> Any:
        if self.failing:
            raise SandboxError("no sandbox today")
        return super().start()


def test_an_infrastructure_failure_is_a_truncation_with_the_value_of_the_state_it_was_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = Failing()
    with DeepGym(workers=1, retries=0, backend=backend) as own:
        envs = make_sb3_vec_env("DeepGym/construct", 2, engine=own, task="distance", seed=0)
        envs.reset()
        backend.failing = True
        rounds: list[int] = []
        run_many = own.run_many
        monkeypatch.setattr(own, "run_many", lambda given: rounds.append(len(given)) or run_many(given))
        observations, rewards, dones, infos = envs.step(np.array([3, 4]))  # "0" and "1": expressions at once
        assert rewards.tolist() == [0.0, 0.0]
        assert dones.all()
        assert rounds == [2]  # none of them was tried again by itself
        for info in infos:
            assert info["TimeLimit.truncated"]  # SB3 adds the value of the terminal observation then
            assert info["has_verdict"] is False
            assert_same(info["terminal_observation"], observations[0])
        model = PPO("MlpPolicy", envs, n_steps=2, batch_size=4, n_epochs=1, gamma=0.9, seed=0, device="cpu")
        rewards_kept = _first_rewards(model)
        values = model.policy.predict_values(torch.as_tensor(observations)).detach().numpy().ravel()
        assert rewards_kept == pytest.approx(0.9 * values[: len(rewards_kept)], abs=1e-6)
        envs.close()


def _first_rewards(model: PPO) -> list[float]:
    """Return the rewards PPO keeps of the first step, whose actions are made to end expressions."""
    _, callback = model._setup_learn(4, None)
    original = model.policy.forward

    def leaves(observation: Any, deterministic: bool = False) -> Any:
        _, values, log_prob = original(observation, deterministic)
        return torch.tensor([3, 4]), values, log_prob

    model.policy.forward = leaves
    model.collect_rollouts(model.env, callback, model.rollout_buffer, n_rollout_steps=2)
    return model.rollout_buffer.rewards[0].tolist()


# ── learning ──────────────────────────────────────────────────────────────────────────────


def test_ppo_learns_to_repair_a_program(vector: Any, engine: DeepGym) -> None:
    """By heart: it is one program, with a few dozen pairs of faults."""
    envs = vector(n_envs=8, seed=1, **BY_HEART)
    model = PPO(
        "MultiInputPolicy",
        envs,
        n_steps=64,
        batch_size=128,
        n_epochs=8,
        learning_rate=1e-3,
        gamma=0.9,
        ent_coef=0.02,
        seed=1,
        device="cpu",
    )
    model.learn(12_288)
    env = RepairEnv(**BY_HEART, engine=engine)

    def agent(env: RepairEnv) -> int:
        return int(model.predict(env.observation(), deterministic=True)[0])

    learnt = solved_rate(agent, env, episodes=40)
    anything = solved_rate(RandomEdits(), env, episodes=40)
    assert learnt > 0.85
    assert learnt > anything + 0.4


def test_maskable_ppo_learns_to_build_an_expression(vector: Any, engine: DeepGym) -> None:
    envs = vector("DeepGym/construct", n_envs=16, seed=1, task="distance", max_symbols=5)
    model = MaskablePPO(
        "MlpPolicy",
        envs,
        n_steps=32,
        batch_size=256,
        n_epochs=6,
        learning_rate=2e-3,
        gamma=1.0,
        ent_coef=0.02,
        seed=1,
        device="cpu",
    )
    model.learn(12_288)
    learnt = np.mean([episode["r"] for episode in model.ep_info_buffer])
    fresh = MaskablePPO("MlpPolicy", envs, n_steps=64, batch_size=256, learning_rate=0.0, seed=1, device="cpu")
    fresh.learn(1024)
    anything = np.mean([episode["r"] for episode in fresh.ep_info_buffer])
    assert learnt > anything + 0.3


def test_the_policy_of_edits_scores_options_wherever_they_stand(vector: Any, tmp_path: Path) -> None:
    envs = vector(split="train", programs=None, n_envs=4, seed=0)
    model = MaskablePPO(edit_policy(), envs, n_steps=32, batch_size=64, n_epochs=1, seed=0, device="cpu")
    model.learn(128)
    observation = envs.reset()
    swapped = dict(observation)
    order = np.r_[3:6, 0:3, 6:18]  # the first two places
    swapped["options"] = observation["options"].reshape(4, 18, -1)[:, order].reshape(4, -1)
    with torch.no_grad():
        one, other = (_scores(model, each) for each in (observation, swapped))
    assert torch.allclose(one[:, order], other[:, :18], atol=1e-5)
    assert torch.allclose(one[:, 18], other[:, 18], atol=1e-5)
    assert one[:, :18].std(dim=1).min() > 0
    model.save(tmp_path / "model")
    again = MaskablePPO.load(tmp_path / "model", device="cpu")
    assert torch.allclose(_scores(again, observation), one)


def _scores(model: Any, observation: Any) -> Any:
    """Return the log probabilities of all actions, unmasked."""
    tensors, _ = model.policy.obs_to_tensor(observation)
    with torch.no_grad():
        return model.policy.get_distribution(tensors).distribution.logits


@pytest.mark.parametrize("algorithm", [PPO, A2C, DQN])
def test_agents_without_masks_train_as_well(vector: Any, algorithm: Any) -> None:
    envs = vector(n_envs=2, seed=0)
    options = {PPO: {"n_steps": 32, "batch_size": 64}, A2C: {}, DQN: {"learning_starts": 16}}[algorithm]
    policy = edit_policy("PPO") if algorithm is PPO else "MultiInputPolicy"
    model = algorithm(policy, envs, seed=0, device="cpu", **options)
    model.learn(128)
    mean, _ = evaluate_policy(model, envs, n_eval_episodes=4)
    assert 0 <= mean <= 1


def assert_same(one: Any, other: Any) -> None:
    np.testing.assert_equal(one, other)


def _row(observations: Any, number: int) -> Any:
    if isinstance(observations, dict):
        return {name: each[number] for name, each in observations.items()}
    return observations[number]
