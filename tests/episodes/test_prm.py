"""Process reward rows: what is a step, what is its label, and who can read them."""

from __future__ import annotations

import dataclasses

import gymnasium as gym
import pytest

from deepgym_env import load_task
from deepgym_env.episodes import export, generate_prm, read_episodes
from deepgym_env.episodes.prm import is_good_step, prm_row
from deepgym_env.errors import ConfigError
from deepgym_env.wrappers.episode_logger import EpisodeLogger

NONE, FIRST, TWO, ALL = (
    "def f(x): return None",
    "def f(x): return 0",
    "def f(x): return x if x < 2 else 0",
    "def f(x): return x",
)
LAST = "def f(x): return x if x == 2 else None"


@pytest.fixture
def task(make_task):
    return make_task(*(((n,), n) for n in range(3)))


def check_rules(rows):
    """Check what Axolotl's stepwise_supervised and TRL's PRMTrainer ask of rows."""
    assert rows
    for row in rows:
        assert row.keys() == {"prompt", "completions", "labels"}
        assert isinstance(row["prompt"], str)
        assert isinstance(row["completions"], list)
        assert len(row["completions"]) == len(row["labels"]) > 0
        assert all(isinstance(completion, str) for completion in row["completions"])
        assert all(isinstance(label, bool) and int(label) in (0, 1) for label in row["labels"])


@pytest.mark.parametrize(
    ("before", "after", "good"),
    [
        ([0, 0], [1, 0], True),
        ([0, 0], [0, 0], False),
        ([1, 0], [1, 0], False),
        ([1, 0], [0, 1], False),
        ([1, 0], [1, 0.9], False),
        ([0.9, 0], [1.0, 0], True),
        ([1, 0], [1, 1], True),
        ([1, 1], [1, 1], True),
        ([1, 1], [1, 0], False),
    ],
)
def test_the_label_of_a_step(before, after, good):
    assert is_good_step(before, after) is good


def test_a_log_becomes_one_completion_per_judged_turn(played, tmp_path):
    rows = [prm_row(episode) for episode in read_episodes(played)]
    check_rules(rows)
    for row, episode in zip(rows, read_episodes(played), strict=True):
        assert row["prompt"] == episode.prompt
        assert row["completions"] == [turn.action for turn in episode.turns]
    assert [row["labels"] for row in rows] == [[True], [True, False, True], [True, False, True], [True]]


def test_trl_and_datasets_read_the_file(played, tmp_path):
    datasets = pytest.importorskip("datasets")
    out = tmp_path / "prm.jsonl"
    export(read_episodes(played), "prm", out)
    loaded = datasets.Dataset.from_json(str(out), cache_dir=str(tmp_path / "cache"))
    check_rules(list(loaded))
    assert loaded.features["labels"].feature.dtype == "bool"


def test_turns_that_judge_nothing_belong_to_the_next_that_does(made_up):
    episode = made_up([0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 1.0], [1.0, 1.0], end="closed")
    evaluated = [False, False, True, False, True, False]
    valid = [True, True, True, False, True, True]
    turns = [
        dataclasses.replace(turn, info={**turn.info, "evaluated": judged, "action_valid": ok}, terminated=False)
        for turn, judged, ok in zip(episode.turns, evaluated, valid, strict=True)
    ]
    turns[1] = dataclasses.replace(turns[1], action={"name": "bash", "arguments": {}})
    assert prm_row(dataclasses.replace(episode, turns=turns)) == {
        "prompt": "Write f.",
        "completions": ['action 1\n\n{"name": "bash", "arguments": {}}\n\naction 3', "action 4", "action 5"],
        "labels": [True, False, True],
    }
    assert prm_row(dataclasses.replace(episode, turns=turns[:2])) is None


def test_a_log_without_tests_has_no_labels(made_up):
    episode = made_up([0.0])
    turns = [dataclasses.replace(episode.turns[0], info={})]
    with pytest.raises(ConfigError, match="needs info"):
        prm_row(dataclasses.replace(episode, turns=turns))


def test_generated_labels_come_from_execution(engine, task):
    told = []
    solutions = [
        [NONE, FIRST, TWO, FIRST, "", LAST, ALL, ALL],
        ALL,
        f"Like so:\n```python\n{FIRST}\n```",
        [NONE],
    ]
    rows = generate_prm(engine, task, solutions, progress=lambda done, total: told.append((done, total)))
    check_rules(rows)
    assert [row["labels"] for row in rows] == [
        [False, True, True, False, False, False, True, True],
        [True],
        [True],
        [False],
    ]
    assert [row["completions"] for row in rows] == [[each] if isinstance(each, str) else each for each in solutions]
    assert {row["prompt"] for row in rows} == {task.prompt}
    assert told[-1] == (11, 11)


def test_generated_rows_are_those_of_the_logged_episode(engine, tmp_path):
    task = load_task("reverse_string", 5)
    attempts = ["x = 1", "def reverse_string(s): return s", "``` ", "def reverse_string(s): return s", task.reference]
    env = EpisodeLogger(gym.make("DeepGym/reverse_string", engine=engine), tmp_path / "log")
    env.reset(seed=5)
    for attempt in attempts:
        env.step(attempt)
    env.close()
    (episode,) = read_episodes(tmp_path / "log")
    (generated,) = generate_prm(engine, task, [attempts])
    logged = prm_row(episode)
    assert generated["labels"] == logged["labels"] == [False, True, False, False, True]
    assert generated["completions"] == logged["completions"]


def test_what_gets_no_verdict_gets_no_label(task, monkeypatch):
    import sys

    from deepgym_env import DeepGym

    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with DeepGym(workers=1, retries=0) as broken:
        rows = generate_prm(broken, task, [["", FIRST, ALL], ALL])
    assert [(row["completions"], row["labels"]) for row in rows] == [([""], [False])]
