"""Replaying: equal rewards, the first difference, and what is neither."""

from __future__ import annotations

import dataclasses
import sys

import gymnasium as gym
import numpy as np
import pytest

from deepgym_env.episodes import read_episodes, replay
from deepgym_env.episodes.replay import rebuild
from deepgym_env.wrappers.episode_logger import EpisodeLogger


@pytest.fixture
def record(played):
    """An episode of three turns: in part right, nothing new, all right."""
    return list(read_episodes(played))[1]


def with_turn(record, number, **changes):
    turns = list(record.turns)
    turns[number - 1] = dataclasses.replace(turns[number - 1], **changes)
    return dataclasses.replace(record, turns=turns)


def test_what_was_played_replays(played):
    for record in read_episodes(played):
        assert dataclasses.asdict(replay(record)) == {
            "status": "equal",
            "turns": len(record.turns),
            "turn": None,
            "what": "",
            "logged": None,
            "replayed": None,
            "detail": "",
        }


def test_logs_from_before_signs_of_cheating_were_kept_replay(record):
    for number, turn in enumerate(record.turns, 1):
        record = with_turn(record, number, info={key: turn.info[key] for key in turn.info if key != "hack_report"})
    assert replay(record).status == "equal"


def test_the_first_difference_is_told(record):
    assert set(record.turns[0].info["hack_report"]) >= {"suspicious", "tampered", "gap"}
    reward = [0.5, *record.turns[0].reward[1:]]
    for forged, turn, what, logged, now in [
        (with_turn(record, 1, reward=reward), 1, "reward", reward, record.turns[0].reward),
        (with_turn(record, 3, terminated=False), 3, "terminated", False, True),
        (with_turn(record, 2, truncated=True), 2, "truncated", True, False),
        (with_turn(record, 2, observation="well done"), 2, "observation", "well done", record.turns[1].observation),
        (with_turn(record, 1, info={**record.turns[0].info, "status": "passed"}), 1, "info['status']", "passed", None),
        (with_turn(record, 1, info={**record.turns[0].info, "hack_report": {}}), 1, "info['hack_report']", {}, None),
        (with_turn(record, 2, action="x = 1"), 2, None, None, None),
        (dataclasses.replace(record, prompt="?"), 0, "prompt", "?", record.prompt),
        (dataclasses.replace(record, task="two_sum"), 0, "task", "two_sum", "reverse_string"),
    ]:
        result = replay(forged)
        assert result.status == "different"
        assert (result.turn, result.turns) == (turn, max(turn - 1, 0))
        assert what is None or (result.what, result.logged) == (what, logged)
        assert now is None or result.replayed == now


def test_a_difference_only_in_what_was_told_is_told_apart_from_rewards(record):
    assert replay(with_turn(record, 1, observation="?")).detail == "all rewards are equal"
    forged = with_turn(with_turn(record, 1, observation="?"), 3, reward=[0.0] * len(record.turns[0].reward))
    result = replay(forged)
    assert (result.turn, result.what, result.detail) == (1, "observation", "")


def test_an_infrastructure_failure_now_is_no_difference(record, monkeypatch, engine):
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    from deepgym_env import DeepGym

    with DeepGym(workers=1, retries=0) as broken:
        env = gym.make("DeepGym/reverse_string", engine=broken, max_turns=3)
        result = replay(record, env)
        env.close()
    assert (result.status, result.turn, result.turns) == ("no_verdict", 1, 0)


def test_an_infrastructure_failure_then_is_not_replayed(tmp_path, monkeypatch, played):
    from deepgym_env import DeepGym

    path = tmp_path / "log"
    with monkeypatch.context() as patch, DeepGym(workers=1, retries=0) as broken:
        patch.setattr(sys, "executable", "/nonexistent/python")
        env = EpisodeLogger(gym.make("DeepGym/reverse_string", engine=broken), path)
        env.reset(seed=1)
        env.step("")
        env.step("def reverse_string(s): return s")
        env.close()
    (record,) = read_episodes(path)
    assert (record.end, record.turns[-1].has_verdict, len(record.judged_turns)) == ("truncated", False, 1)
    (played_one, *_) = read_episodes(played)
    result = replay(dataclasses.replace(record, env=played_one.env))
    assert (result.status, result.turns) == ("equal", 1), result
    assert result.detail == "turn 2 had no verdict when it was logged"


def test_a_log_runs_no_code_of_its_own(record, tmp_path):
    marker = tmp_path / "ran"
    system = {"entry_point": "os:system", "kwargs": {"command": f"touch {marker}"}}
    wrapper = {"name": "W", "entry_point": "os:system", "kwargs": {"command": f"touch {marker}"}}
    for env, message in [
        ({**record.env, **system}, "another environment here"),
        ({**record.env, **system, "id": "Mine-v0"}, "no environment 'Mine-v0' is registered"),
        ({**record.env, "additional_wrappers": [wrapper]}, "the wrapper 'os:system'"),
        ({**record.env, "additional_wrappers": [{"name": 3}]}, "broken"),
        ({**record.env, "additional_wrappers": 5}, "broken"),
        ({**record.env, "kwargs": {"task": "../../etc"}}, "can't be made"),
        ({**record.env, "kwargs": {"task": "two_sum", "nonsense": 1}}, "can't be made"),
        ({"id": 3}, "broken"),
        ({}, "broken"),
        (None, "no spec"),
    ]:
        result = replay(dataclasses.replace(record, env=env))
        assert result.status == "unreplayable"
        assert message in result.detail
    assert not marker.exists()


def test_rebuilding_makes_the_same_environment(record):
    env = rebuild(record)
    assert env.spec == gym.make("DeepGym/reverse_string", max_turns=3).spec
    env.close()


def test_environments_of_other_packages_replay_once_registered(tmp_path):
    gym.register("TestEpisodes/Walk-v0", entry_point="gymnasium.envs.classic_control:CartPoleEnv")
    env = EpisodeLogger(gym.make("TestEpisodes/Walk-v0"), tmp_path / "log")
    env.reset(seed=3)
    for _ in range(5):
        env.step(np.int64(1))
    env.close()
    (record,) = read_episodes(tmp_path / "log")
    assert replay(record).status == "equal"
    del gym.registry["TestEpisodes/Walk-v0"]
    assert replay(record).status == "unreplayable"


def test_an_engine_of_ones_own_is_no_part_of_the_record(tmp_path, engine):
    env = EpisodeLogger(gym.make("DeepGym/reverse_string", engine=engine, max_turns=2), tmp_path / "log")
    env.reset(seed=0)
    env.step("x = 1")
    env.close()
    (record,) = read_episodes(tmp_path / "log")
    assert record.env["kwargs"] == {"task": "reverse_string", "max_turns": 2}
    assert env.unwrapped.spec.kwargs["engine"] is engine
    assert replay(record).status == "equal"


def test_a_workspace_replays_and_chance_shows(tmp_path):
    def bash(command):
        return {"name": "bash", "arguments": {"command": command}}

    env = EpisodeLogger(gym.make("DeepGym/debug_fix"), tmp_path / "log")
    chance = bash("date +%s%N")
    calls = [bash("cd tests && export X=1"), bash("pwd; echo $X; ls"), {"name": "run_tests", "arguments": {}}]
    submit = '<tool_call>{"name": "submit", "arguments": {}}</tool_call>'
    for actions in ([*calls, {"name": "nonsense"}, submit], [calls[0], chance, submit]):
        env.reset(seed=0)
        for action in actions:
            env.step(action)
    env.close()
    same, other = read_episodes(tmp_path / "log")
    assert (same.end, same.turns[1].observation.split()[:2]) == ("terminated", ["/workspace/tests", "1"])
    assert {tool["function"]["name"] for tool in same.tools} >= {"bash", "submit"}
    assert (replay(same).status, replay(same).turns) == ("equal", 5)
    result = replay(other)
    assert (result.status, result.turn, result.what) == ("different", 2, "observation")
    assert result.detail == "all rewards are equal"
