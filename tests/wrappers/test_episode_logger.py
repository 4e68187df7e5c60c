from __future__ import annotations

import dataclasses
import json
import pickle
import random

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

import deepgym_env
from deepgym_env.envs import CodingEnv
from deepgym_env.episodes import read_episodes, replay
from deepgym_env.episodes.record import INFO_KEYS
from deepgym_env.errors import ConfigError
from deepgym_env.wrappers import ChatObservation, ScalarReward, TestVectorObservation, VectorScalarReward
from deepgym_env.wrappers.episode_logger import EpisodeLogger, VectorEpisodeLogger

RIGHT = deepgym_env.load_task("reverse_string").reference
SOME = "def reverse_string(s): return s"  # right for palindromes
PLAY = [SOME, "", RIGHT, "def reverse_string(s): return None", "no idea", "```python\n" + RIGHT + "\n```"]


class VectorSync(SyncVectorEnv):
    """SyncVectorEnv with room for reward vectors."""

    def __init__(self, env_fns, **options):
        super().__init__(env_fns, **options)
        self.reward_space = self.envs[0].unwrapped.reward_space
        self._rewards = np.zeros((self.num_envs, *self.reward_space.shape), dtype=np.float32)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "folder" / "episodes.jsonl"


@pytest.fixture(scope="module", autouse=True)
def _one_engine():
    """Keep the engine all environments share from being started anew for each."""
    env = make()
    env.reset()
    env.step(RIGHT)
    yield
    env.close()


def make(**kwargs):
    return gym.make("DeepGym/reverse_string", **kwargs)


def episodes(path):
    return list(read_episodes(path))


def play(env, resets, rng):
    """Play an episode per reset, random in length and actions; return all that came back."""
    seen = []
    for arguments in resets:
        seen.append(env.reset(**arguments))
        for _ in range(rng.randint(1, 4)):
            seen.append(env.step(rng.choice(PLAY)))
            if seen[-1][2] or seen[-1][3]:
                break
    return seen


def test_a_record_holds_the_episode_and_nothing_else(log):
    env = EpisodeLogger(make(max_turns=5), log)
    prompt, _ = env.reset(seed=3, options={"why": "a test"})
    steps = [env.step(action) for action in ("no idea: ```text", SOME, RIGHT)]
    env.close()
    (line,) = log.read_text().splitlines()
    row = json.loads(line)
    assert row.pop("wall").keys() == {"began", "seconds"}
    turns = row.pop("turns")
    spec = row.pop("env")
    assert EnvSpec.from_json(json.dumps(spec)) == make(max_turns=5).spec
    final = steps[-1][4]
    assert row == {
        "schema_version": "1.1",
        "task": "reverse_string",
        "task_seed": 3,
        "seed": 3,
        "rng": None,
        "options": {"why": "a test"},
        "prompt": prompt,
        "tools": final.get("tools", []),
        "return": [1.0] * len(final["tests"]),
        "score": 1.0,
        "passed": True,
        "end": "terminated",
    }
    for turn, action, step in zip(turns, ("no idea: ```text", SOME, RIGHT), steps, strict=True):
        observation, reward, terminated, truncated, info = step
        assert turn == {
            "action": action,
            "observation": observation,
            "reward": reward.tolist(),
            "terminated": terminated,
            "truncated": truncated,
            "info": {key: info[key] for key in INFO_KEYS if key in info},
        }


def test_reading_gives_back_what_was_written(log):
    env = EpisodeLogger(make(), log)
    play(env, [{"seed": 1}, {}, {}], random.Random(0))
    env.close()
    (first, *_) = episodes(log)
    assert first == type(first).from_json(json.loads(json.dumps(first.to_json())))
    assert first.returns == np.sum([turn.reward for turn in first.turns], axis=0).tolist()


@pytest.mark.parametrize("fresh_tests", [False, True])
def test_logging_changes_nothing(log, fresh_tests):
    resets = [{"seed": 5}, {}, {}, {"seed": 5}, {}]
    plain, logged = make(fresh_tests=fresh_tests), EpisodeLogger(make(fresh_tests=fresh_tests), log)
    for one, other in zip(play(plain, resets, random.Random(1)), play(logged, resets, random.Random(1)), strict=True):
        for before, after in zip(one, other, strict=True):
            np.testing.assert_equal(after, before)
    logged.close()
    plain.close()


@pytest.mark.parametrize("fresh_tests", [False, True])
@pytest.mark.parametrize("first", [{"seed": 11}, {}], ids=["seeded", "never seeded"])
def test_each_record_replays_alone(log, fresh_tests, first):
    env = EpisodeLogger(make(fresh_tests=fresh_tests), log)
    play(env, [first, {}, {"options": {"a": [1, (2,)]}}, {}, {"seed": 12}, {}], random.Random(2))
    env.close()
    records = episodes(log)
    assert len(records) == 6
    random.Random(3).shuffle(records)
    assert [(result.status, result.turns) for result in map(replay, records)] == [
        ("equal", len(record.turns)) for record in records
    ]


def test_a_seedless_reset_after_another_seed_is_another_episode(log):
    env = EpisodeLogger(make(fresh_tests=True), log)
    play(env, [{"seed": 1}, {}], random.Random(2))
    env.close()
    second = episodes(log)[1]
    assert second.seed is None
    for rng in (None, {**second.rng, "state": json.dumps({})}, {"seed": 1}):
        assert replay(dataclasses.replace(second, rng=rng)).status == "unreplayable"


@pytest.mark.parametrize(
    "wrap",
    [lambda env: ScalarReward(env, how="all"), ChatObservation, TestVectorObservation],
    ids=["ScalarReward", "ChatObservation", "TestVectorObservation"],
)
def test_wrappers_inside_are_part_of_the_record(log, wrap):
    env = EpisodeLogger(wrap(make(max_turns=3)), log)
    play(env, [{"seed": 1}, {}, {}], random.Random(4))
    env.close()
    for record in episodes(log):
        assert record.env["additional_wrappers"]
        result = replay(record)
        assert (result.status, result.turns) == ("equal", len(record.turns)), result


def test_episodes_cut_off_are_written_as_unfinished(log):
    env = EpisodeLogger(make(), log)
    env.reset(seed=0)
    env.reset(seed=1)  # no turn: nothing to write
    env.step(SOME)
    env.reset(seed=2)
    env.step(SOME)
    env.step("")
    env.close()
    env.close()
    assert [(record.seed, record.end, len(record.turns)) for record in episodes(log)] == [
        (1, "reset", 1),
        (2, "closed", 2),
    ]
    assert [replay(record).status for record in episodes(log)] == ["equal", "equal"]


def test_truncated_episodes(log):
    env = EpisodeLogger(make(max_turns=2), log)
    env.reset(seed=0)
    env.step("")
    env.step("")
    assert [record.end for record in episodes(log)] == ["truncated"]
    env.close()
    assert len(episodes(log)) == 1


def test_odd_actions(log):
    env = EpisodeLogger(make(max_turns=20), log)
    env.reset(seed=0)
    call = {"name": "submit", "arguments": {"code": "x = 1"}}
    odd = ["\ud800 \u2028 \0 naïve", call, 7, None, ["a"], b"bytes", 10**5000]
    for action in odd:
        env.step(action)
    call["arguments"]["code"] = "changed afterwards"
    env.close()
    (record,) = episodes(log)
    assert [turn.action for turn in record.turns] == [
        odd[0],
        {"name": "submit", "arguments": {"code": "x = 1"}},
        7,
        None,
        ["a"],
        None,
        None,
    ]
    assert [turn.action_lost for turn in record.turns] == ["", "", "", "", "", "bytes", "int"]
    result = replay(record)
    assert (result.status, result.turns) == ("unreplayable", 5)
    assert "a bytes" in result.detail
    short = dataclasses.replace(record, turns=record.turns[:5])
    assert replay(short).status == "equal"


def test_an_environment_without_a_spec_is_replayed_when_given(log, make_task, engine):
    task = make_task(((1,), 1), ((2,), 2))
    env = EpisodeLogger(CodingEnv(task, engine=engine), log)
    env.reset(seed=0)
    env.step("def f(x): return 1")
    env.step("def f(x): return x")
    (record,) = episodes(log)
    assert record.env is None
    assert replay(record).status == "unreplayable"
    assert replay(record, CodingEnv(task, engine=engine)).status == "equal"
    assert replay(record, CodingEnv(task.model_copy(update={"prompt": "?"}), engine=engine)).what == "prompt"
    env.close()


def test_any_environment_can_be_logged(log):
    env = EpisodeLogger(gym.make("FrozenLake-v1"), log)
    env.reset(seed=4)
    over = False
    while not over:
        *_, terminated, truncated, _ = env.step(env.action_space.sample())
        over = terminated or truncated
    env.close()
    (record,) = episodes(log)
    assert (record.task, record.score, record.passed) == (None, None, None)
    assert replay(record).status == "equal"


def test_options_must_fit_into_json(log):
    env = EpisodeLogger(make(), log)
    with pytest.raises(ConfigError, match="options"):
        env.reset(options={"x": object()})


def test_the_spec_survives_json_and_pickling(log):
    env = EpisodeLogger(make(), log, max_bytes=1000, fsync=True)
    for spec in (EnvSpec.from_json(env.spec.to_json()), pickle.loads(pickle.dumps(env.spec))):
        again = gym.make(spec)
        again.reset(seed=0)
        again.step(RIGHT)
        again.close()
    assert len(episodes(log)) == 2
    # The logger itself is left out when it is replayed: nothing is appended.
    outer = EpisodeLogger(EpisodeLogger(make(), log.with_name("inner.jsonl")), log.with_name("outer.jsonl"))
    outer.reset(seed=0)
    outer.step(RIGHT)
    outer.close()
    (record,) = episodes(log.with_name("outer.jsonl"))
    assert replay(record).status == "equal"
    assert len(episodes(log.with_name("inner.jsonl"))) == 1


# ── vectors ───────────────────────────────────────────────────────────────────────────────────────


def play_vector(env, mode, rng, steps=40):
    env.reset(seed=20, options={"first": True})
    for number in range(steps):
        actions = tuple(rng.choice(PLAY) for _ in range(env.num_envs))
        _, _, terminations, truncations, _ = env.step(actions)
        over = np.logical_or(terminations, truncations)
        if mode == AutoresetMode.DISABLED and over.any():
            env.reset(options={"reset_mask": over, "n": number})
        if number == steps // 2 and mode != AutoresetMode.DISABLED:
            env.reset(seed=[7, None, 9])
    env.reset(seed=30)
    env.step((SOME,) * env.num_envs)
    env.close()


@pytest.mark.parametrize("fresh_tests", [False, True])
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_the_vector_logger_writes_what_loggers_around_each_would(tmp_path, mode, fresh_tests):
    def sub_env(index):
        return lambda: EpisodeLogger(make(fresh_tests=fresh_tests, max_turns=4), tmp_path / f"single{index}.jsonl")

    vector = VectorSync([sub_env(index) for index in range(3)], autoreset_mode=mode)
    play_vector(VectorEpisodeLogger(vector, tmp_path / "vector.jsonl"), mode, random.Random(5))
    together = [dataclasses.replace(each, env=None) for each in read_episodes(tmp_path / "vector.jsonl")]
    singles = [
        dataclasses.replace(each, env=None)
        for index in range(3)
        for each in read_episodes(tmp_path / f"single{index}.jsonl")
    ]
    assert len(together) > 15
    assert {each.end for each in together} >= {"terminated", "truncated", "closed"}
    key = lambda episode: json.dumps({**episode.to_json(), "wall": {}}, sort_keys=True)  # noqa: E731
    assert sorted(map(key, together)) == sorted(map(key, singles))


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_vector_records_replay_alone(log, mode):
    env = VectorSync([lambda: make(fresh_tests=True, max_turns=4)] * 3, autoreset_mode=mode)
    play_vector(VectorEpisodeLogger(env, log), mode, random.Random(6), steps=12)
    records = episodes(log)
    assert {record.seed is None for record in records} == {True, False}
    assert {replay(record).status for record in records} == {"equal"}


def test_asynchronous_vectors(log):
    env = AsyncVectorEnv([lambda: ScalarReward(make(fresh_tests=True))] * 2, shared_memory=False, context="spawn")
    env = VectorEpisodeLogger(env, log)
    env.reset(seed=0)
    for actions in ((RIGHT, SOME), (SOME, RIGHT), (RIGHT, RIGHT), (RIGHT, RIGHT)):
        env.step(actions)
    env.close()
    records = episodes(log)
    assert len(records) >= 3
    assert [(each := replay(record)).status for record in records] == ["equal"] * len(records), each


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("DeepGym/reverse_string", {"fresh_tests": True, "max_turns": 4}),
        ("DeepGym/reverse_string", {"fresh_tests": True, "group_size": 3, "max_episode_steps": 2}),
        ("DeepGym/mixture", {"tasks": ["reverse_string", "fizzbuzz"], "adaptive": True, "max_turns": 2}),
        ("DeepGym/mixture", {"tasks": ["fizzbuzz", "reverse_string"], "fresh_tests": True, "group_size": 3}),
    ],
    ids=["one task", "a group", "an adaptive mixture", "a group of a mixture"],
)
def test_our_own_vectors_replay(log, name, options, mode):
    rng = random.Random(8)
    for seed in (40, None):
        env = gym.make_vec(
            name, num_envs=3, vectorization_mode="vector_entry_point", autoreset_mode=mode.value, **options
        )
        env = VectorEpisodeLogger(env, log)
        env.reset(seed=seed)
        for _ in range(6):
            _, _, terminations, truncations, _ = env.step([rng.choice(PLAY) for _ in range(3)])
            over = np.logical_or(terminations, truncations)
            if mode == AutoresetMode.DISABLED and over.any():
                env.reset(options={"reset_mask": over})
        env.close()
    records = episodes(log)
    assert len(records) >= 6
    for record in records:
        result = replay(record)
        assert (result.status, result.turns) == ("equal", len(record.turns)), (record, result)


def test_a_mixture_replays(log):
    env = EpisodeLogger(gym.make("DeepGym/mixture", tasks=["fizzbuzz", "reverse_string"], adaptive=True), log)
    play(env, [{"seed": 1}, {}, {}, {}, {"seed": 2}, {}], random.Random(2))
    env.close()
    records = episodes(log)
    assert {record.task for record in records} == {"fizzbuzz", "reverse_string"}
    assert {replay(record).status for record in records} == {"equal"}
    assert replay(dataclasses.replace(records[0], task="nonsense")).status == "unreplayable"


def test_a_wrapped_vector_is_refused(log):
    env = VectorScalarReward(VectorSync([make]))
    with pytest.raises(ConfigError, match="VectorEpisodeLogger first"):
        VectorEpisodeLogger(env, log)
    env.close()
