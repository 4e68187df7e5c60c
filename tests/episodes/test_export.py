"""Exports, each read back by the library that takes it."""

from __future__ import annotations

import dataclasses
import json
import re
import sys

import numpy as np
import pytest

from deepgym_env.episodes import FORMATS, Turn, export, read_episodes, select
from deepgym_env.errors import ConfigError

RUN = {"name": "bash", "arguments": {"command": "ls"}}
TOOLS = [{"type": "function", "function": {"name": "bash", "description": "", "parameters": {"type": "object"}}}]


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def acting(episode, *actions, **fields):
    """Return the episode with other actions, and observations that tell which they answer."""
    turns = [
        dataclasses.replace(turn, action=action, observation=f"answer {number}")
        for number, (turn, action) in enumerate(zip(episode.turns, actions, strict=True))
    ]
    return dataclasses.replace(episode, turns=turns, **fields)


def need(to):
    """Skip a test where the library of a format isn't installed."""
    for library in {"parquet": ["pyarrow"], "minari": ["minari", "h5py", "PIL"]}.get(to, []):
        pytest.importorskip(library)


@pytest.fixture
def failed(made_up):
    """An episode whose second turn the infrastructure failed in."""
    episode = made_up([0.5, 1.0], [0.5, 1.0], end="truncated")
    info = {**episode.turns[1].info, "has_verdict": False}
    turn = Turn("action 2", "The sandbox failed", [0.0, 0.0], False, True, info)
    return dataclasses.replace(episode, turns=[episode.turns[0], turn])


def test_sft_is_a_chat_that_ends_with_the_agent(played, tmp_path):
    out = tmp_path / "sft.jsonl"
    assert export(read_episodes(played), "sft", out) == 4
    for row, episode in zip(rows(out), read_episodes(played), strict=True):
        messages = row.pop("messages")
        assert [message["role"] for message in messages] == ["user", "assistant"] * len(episode.turns)
        said = [episode.prompt]
        for turn in episode.turns:
            said += [turn.action, turn.observation]
        assert [message["content"] for message in messages] == said[:-1]
        tools = {"tools": episode.tools} if episode.tools else {}
        facts = {"task": "reverse_string", "seed": episode.seed, "score": episode.score, "passed": episode.passed}
        assert row == {**tools, **facts}


def test_tool_calls_become_openai_messages(made_up, tmp_path):
    two = {"content": "both", "tool_calls": [{"id": "a", "type": "function", "function": RUN}, {"function": RUN}]}
    unreadable = {"nonsense": 1}
    episode = acting(made_up(*[[0.0]] * 6), RUN, two, "text", unreadable, {"role": "assistant", "content": "hm"}, RUN)
    export([dataclasses.replace(episode, tools=TOOLS)], "sft", tmp_path / "out")
    (row,) = rows(tmp_path / "out")
    assert row["tools"] == TOOLS
    call = {"type": "function", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}
    assert row["messages"] == [
        {"role": "user", "content": "Write f."},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "call_0_0", **call}]},
        {"role": "tool", "tool_call_id": "call_0_0", "content": "answer 0"},
        {"role": "assistant", "content": "both", "tool_calls": [{"id": "a", **call}, {"id": "call_2_1", **call}]},
        {"role": "tool", "tool_call_id": "a", "content": ""},
        {"role": "tool", "tool_call_id": "call_2_1", "content": "answer 1"},
        {"role": "assistant", "content": "text"},
        {"role": "user", "content": "answer 2"},
        {"role": "assistant", "content": '{"nonsense": 1}'},
        {"role": "user", "content": "answer 3"},
        {"role": "assistant", "content": "hm"},
        {"role": "user", "content": "answer 4"},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "call_11_0", **call}]},
    ]


def test_observations_that_are_chats_add_their_last_message(made_up, tmp_path):
    episode = made_up([0.0], [1.0])
    chat = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "Write f.", "name": "x"}]
    told = [*chat, {"role": "assistant", "content": "action 1"}, {"role": "user", "content": "wrong"}]
    turns = [dataclasses.replace(turn, observation=told) for turn in episode.turns]
    export([dataclasses.replace(episode, prompt=chat, turns=turns)], "sft", tmp_path / "out")
    (row,) = rows(tmp_path / "out")
    assert [(message["role"], message["content"]) for message in row["messages"]] == [
        ("system", "be brief"),
        ("user", "Write f."),
        ("assistant", "action 1"),
        ("user", "wrong"),
        ("assistant", "action 2"),
    ]


@pytest.mark.parametrize("to", ["sft", "trl", "prm"])
def test_what_has_no_verdict_is_not_trained_on(failed, made_up, tmp_path, to):
    lost = dataclasses.replace(failed, turns=failed.turns[1:])
    assert export([failed, lost], to, tmp_path / "out") == 1
    assert "action 1" in (tmp_path / "out").read_text()
    assert "action 2" not in (tmp_path / "out").read_text()
    assert "sandbox failed" not in (tmp_path / "out").read_text()


@pytest.mark.parametrize("to", ["sft", "trl", "prm"])
def test_numbers_are_no_chat(made_up, tmp_path, to):
    with pytest.raises(ConfigError, match="put EpisodeLogger inside the wrapper"):
        export([made_up([0.0], prompt={"tests": [0.0]})], to, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_selecting(made_up):
    episodes = [made_up([0.0, 0.0]), made_up([1.0, 0.0]), made_up([1.0, 1.0])]
    unknown = dataclasses.replace(episodes[0], turns=[dataclasses.replace(episodes[0].turns[0], info={})])
    episodes.append(unknown)
    assert list(select(episodes)) == episodes
    assert list(select(episodes, min_score=0.5)) == episodes[1:3]
    assert list(select(episodes, only_passed=True)) == [episodes[2]]
    assert list(select(episodes, min_score=0.0)) == episodes[:3]


def test_trl_rows_load_into_datasets(played, made_up, tmp_path):
    datasets = pytest.importorskip("datasets")
    out = tmp_path / "trl.jsonl"
    called = acting(made_up([0.0], [1.0]), RUN, RUN, tools=TOOLS)
    export([*read_episodes(played), called], "trl", out)
    loaded = datasets.Dataset.from_json(str(out), cache_dir=str(tmp_path / "cache"))
    assert set(loaded.column_names) == {"prompt", "completion", "tools", "rewards", "task", "seed", "score", "passed"}
    for row, episode in zip(loaded, read_episodes(played), strict=False):
        assert [message["role"] for message in row["prompt"]] == ["user"]
        assert row["completion"][0]["role"] == row["completion"][-1]["role"] == "assistant"
        assert [m["content"] for m in row["completion"][::2]] == [turn.action for turn in episode.turns]
        np.testing.assert_allclose(row["rewards"], [turn.reward for turn in episode.turns])
        assert row["score"] == pytest.approx(episode.score)
        assert json.loads(row["tools"] or "[]") == episode.tools
    last = loaded[len(loaded) - 1]
    assert json.loads(last["tools"]) == TOOLS
    assert last["completion"][0]["tool_calls"][0]["function"] == {"name": "bash", "arguments": '{"command": "ls"}'}


def test_parquet_has_a_row_per_turn_with_types(played, made_up, failed, tmp_path):
    need("parquet")
    import pyarrow as pa
    from pyarrow import parquet

    odd = made_up([0.5], prompt="\ud800 naïve \0", seed=2**63 + 1)
    other = dataclasses.replace(odd, turns=[Turn({"a": 1}, [1, 2], [0.25], False, False, {})], seed=None)
    episodes = [*read_episodes(played), odd, other, failed]
    out = tmp_path / "turns.parquet"
    assert export(episodes, "parquet", out) == len(episodes)
    table = parquet.read_table(out)
    assert table.schema.field("reward").type == pa.list_(pa.float32())
    assert table.schema.field("seed").type == pa.uint64()
    assert {"tests", "reward_components", "episode_return", "observation"} <= set(table.column_names)
    read = table.to_pylist()
    turns = [(number, turn, episode) for episode in episodes for number, turn in enumerate(episode.turns)]
    assert len(read) == len(turns)
    for row, (number, turn, episode) in zip(read, turns, strict=True):
        assert row["turn"] == number
        assert episodes[row["episode"]] is episode
        np.testing.assert_array_equal(np.float32(row["reward"]), np.float32(turn.reward))
        assert (row["seed"], row["episode_end"]) == (episode.seed, episode.end)
        assert row["has_verdict"] == turn.info.get("has_verdict")
        assert (row["tests"] is None) == ("tests" not in turn.info)
        if isinstance(turn.action, str):
            assert (row["action"], row["observation"]) == (turn.action, turn.observation)
    assert read[0]["env"] == "DeepGym/reverse_string"
    assert read[0]["tests"][0]["id"] == episodes[0].turns[0].info["tests"][0]["id"]
    assert read[0]["tests"][0]["status"] == "passed"
    assert dict(read[0]["reward_components"])["correctness"] == 1.0
    assert [row["prompt"] for row in read if row["seed"] == 2**63 + 1] == ["\ufffd naïve \0"]
    assert (read[-3]["action"], read[-3]["observation"]) == ('{"a": 1}', "[1, 2]")
    with pytest.raises(ConfigError, match="doesn't fit"):
        export([made_up([0.0], seed=2**64)], "parquet", out)
    assert parquet.read_table(out).num_rows == len(read), "what was there is left as it was"


def test_minari_reads_it_back(played, failed, made_up, tmp_path, monkeypatch):
    need("minari")
    import minari

    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    episodes = list(read_episodes(played))
    assert export(episodes, "minari", tmp_path / "reverse_string-v0") == len(episodes)
    dataset = minari.load_dataset("reverse_string-v0")
    assert dataset.total_episodes == len(episodes)
    assert dataset.total_steps == sum(len(episode.turns) for episode in episodes)
    for read, episode in zip(dataset.iterate_episodes(), episodes, strict=True):
        assert list(read.actions) == [turn.action for turn in episode.turns]
        assert list(read.observations) == [episode.prompt, *(turn.observation for turn in episode.turns)]
        np.testing.assert_array_equal(read.rewards, np.float32([turn.reward for turn in episode.turns]))
        assert read.terminations.tolist() == [turn.terminated for turn in episode.turns]
        assert read.truncations[-1] == (not episode.turns[-1].terminated)
    metadata = list(dataset.storage.get_episode_metadata(range(4)))
    assert [each["seed"] for each in metadata] == [0, 1, 2, 3]
    env = dataset.recover_environment()
    assert env.spec.id == "DeepGym/reverse_string"
    env.close()
    odd = acting(made_up([0.0], options={"a": [1]}, prompt="a\0b"), RUN)
    assert export([failed, dataclasses.replace(failed, turns=failed.turns[1:]), odd], "minari", tmp_path / "x-v3") == 2
    mixed = minari.load_dataset("x-v3")
    first, second = mixed.iterate_episodes()
    assert (len(first), first.truncations.tolist()) == (1, [True])
    assert (second.observations[0], json.loads(second.actions[0])) == ("a\ufffdb", RUN)


def test_minari_folders(made_up, tmp_path):
    need("minari")
    for name in ("noversion", "dot.ted-v0", "x-v"):
        with pytest.raises(ConfigError, match="named like coin_change-v0"):
            export([made_up([0.0])], "minari", tmp_path / name)
    (tmp_path / "full-v0").mkdir()
    (tmp_path / "full-v0" / "file").write_text("")
    with pytest.raises(ConfigError, match="name a new one"):
        export([made_up([0.0])], "minari", tmp_path / "full-v0")
    (tmp_path / "empty-v0").mkdir()
    export([made_up([0.0])], "minari", tmp_path / "empty-v0")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty-v0", "full-v0"]


@pytest.mark.parametrize("to", list(FORMATS))
def test_nothing_to_export_writes_nothing(tmp_path, to):
    need(to)
    with pytest.raises(ConfigError, match="no episode to export"):
        export([], to, tmp_path / "out-v0")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("to", list(FORMATS))
def test_an_error_halfway_leaves_what_was_there(made_up, tmp_path, to):
    need(to)

    def episodes():
        yield made_up([0.0])
        raise ConfigError("halfway")

    out = tmp_path / "out-v0"
    if to != "minari":
        out.write_text("before")
    with pytest.raises(ConfigError, match="halfway"):
        export(episodes(), to, out)
    assert [path.read_text() for path in tmp_path.iterdir()] == (["before"] if to != "minari" else [])


@pytest.mark.parametrize(("to", "missing"), [("parquet", "pyarrow"), ("minari", "minari"), ("minari", "h5py")])
def test_a_missing_library_is_named_with_its_extra(made_up, tmp_path, monkeypatch, to, missing):
    need(to)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigError, match=re.escape(f"{to} needs {missing}: pip install 'deepgym-env[export]'")):
        export([made_up([0.0])], to, tmp_path / "out-v0")


def test_unknown_formats(made_up, tmp_path):
    with pytest.raises(ConfigError, match="sft, prm, trl, parquet, minari, got 'csv'"):
        export([made_up([0.0])], "csv", tmp_path / "out")
