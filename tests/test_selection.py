"""Choosing tasks by difficulty, tags, split and measured pass rate."""

from __future__ import annotations

import json
import warnings

import gymnasium as gym
import pytest

from deepgym_env import load_task, select_tasks, task_ids
from deepgym_env.envs import MixtureEnv, MixtureVectorEnv
from deepgym_env.errors import ConfigError
from deepgym_env.pass_rates import read_pass_rates
from deepgym_env.wrappers import EpisodeLogger

RATES = {"fizzbuzz": 0.0, "two_sum": 0.5, "DeepGym/coin_change": 1.0}


def result(task, passed, has_verdict=True):
    return json.dumps({"id": 1, "task": task, "passed": passed, "has_verdict": has_verdict, "score": 0.0}) + "\n"


@pytest.fixture
def log(tmp_path):
    lines = [result("fizzbuzz", False)] * 2 + [result("two_sum", True), result("two_sum", False)]
    lines += [result("coin_change", True), result("coin_change", False, has_verdict=False)]
    path = tmp_path / "scores.jsonl"
    path.write_text("".join(lines) + '{"id": 1, "task": "two_s')
    return path


def test_rates_are_read_of_results_without_what_has_no_verdict(log):
    assert read_pass_rates(log) == {"fizzbuzz": 0.0, "two_sum": 0.5, "coin_change": 1.0}
    assert read_pass_rates(RATES) == {"fizzbuzz": 0.0, "two_sum": 0.5, "coin_change": 1.0}


def test_rates_are_read_of_a_log_of_episodes(tmp_path, engine):
    env = EpisodeLogger(gym.make("DeepGym/reverse_string", engine=engine), tmp_path / "episodes.jsonl")
    for action in ("def reverse_string(s): return s[::-1]", "pass"):
        env.reset(seed=0)
        env.step(action)
    env.close()
    assert read_pass_rates(tmp_path / "episodes.jsonl") == {"reverse_string": 0.5}


def test_tasks_are_chosen_by_all_that_is_asked(log):
    assert select_tasks() == task_ids()
    assert select_tasks(pass_rate=(0.1, 0.9), rates=log) == ("two_sum",)
    assert select_tasks(["coin_change", "fizzbuzz"], pass_rate=[0, 1], rates=str(log)) == ("coin_change", "fizzbuzz")
    easy = select_tasks(difficulty="easy", tags=["strings"])
    assert easy == tuple(
        name for name in task_ids() if load_task(name).difficulty == "easy" and "strings" in load_task(name).tags
    )


def test_mixtures_and_data_sets_choose_alike(log):
    assert MixtureEnv(pass_rate=(0.1, 1), rates=RATES).sampler.tasks == ("coin_change", "two_sum")
    made = gym.make("DeepGym/mixture", pass_rate=(0, 0.5), rates=str(log))
    assert made.unwrapped.sampler.tasks == ("fizzbuzz", "two_sum")
    made.close()
    envs = MixtureVectorEnv(num_envs=2, pass_rate=(0.1, 0.9), rates=str(log))
    assert envs.sampler.tasks == ("two_sum",)
    envs.close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("datasets")
    from deepgym_env.datasets import to_hf

    data = to_hf(["fizzbuzz", load_task("two_sum")], pass_rate=(0.1, 0.9), rates=log)
    assert data["task"][:] == ["two_sum"]
    assert to_hf(task_ids(), difficulty="medium", tags=["trees"])["task"][:] == ["level_order_traversal"]
    with pytest.raises(ConfigError, match=r"none is hard with the tags \['zzz'\]"):
        to_hf(["fizzbuzz"], difficulty="hard", tags=["zzz"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pass_rate": (0.1, 0.9)}, "pass_rate needs rates=: a results file"),
        ({"pass_rate": (0.9, 0.1), "rates": RATES}, r"must be \(least, most\)"),
        ({"pass_rate": (0.1,), "rates": RATES}, r"must be \(least, most\)"),
        ({"pass_rate": (0.6, 0.7), "rates": RATES}, r"solved 0.6 to 0.7 of the time \(3 were tried\)"),
        ({"tags": "strings"}, "a list of tags, got 'strings'"),
        ({"rates": "nowhere.jsonl"}, "can't be read"),
        ({"benchmark": "nonsense"}, "no benchmark 'nonsense'"),
        ({"benchmark": "mbpp", "tasks": ["fizzbuzz"]}, "not both"),
    ],
)
def test_what_can_t_work_is_refused(options, said):
    with pytest.raises(ConfigError, match=said):
        select_tasks(**options)


@pytest.mark.parametrize(("text", "said"), [("", "no verdict in it"), ('{"a": 1}\n', "line 1 is no result")])
def test_another_file_is_refused(tmp_path, text, said):
    path = tmp_path / "scores.jsonl"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_pass_rates(path)
