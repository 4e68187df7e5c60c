"""Episodes that protocols keep by key."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor

import pytest

from deepgym_env import DeepGym
from deepgym_env.envs import shared_engine
from deepgym_env.errors import RefusedError, UnknownTaskError
from deepgym_env.integrations.live import LiveEpisodes

RIGHT = "def reverse_string(s): return s[::-1]"
WRONG = "def reverse_string(s): return s"


def test_episodes_are_kept_apart(engine: DeepGym) -> None:
    with LiveEpisodes(engine=engine) as live:
        for key in ("a", "b"):
            live.start(key, "reverse_string", seed=3)
        assert live.step("a", WRONG).score < 1.0
        assert live.step("b", RIGHT).over
        assert live.step("a", RIGHT).terminated
        assert live.get("a").returned == pytest.approx(1.0)
        live.start("a", "reverse_string")
        assert not live.get("a").over
        assert len(live) == 2
    assert len(live) == 0


def test_what_nobody_asks_for_ends(engine: DeepGym) -> None:
    now = [0.0]
    with LiveEpisodes(engine=engine, ttl=10, clock=lambda: now[0]) as live:
        live.start("idle", "reverse_string")
        live.start("busy", "reverse_string")
        now[0] = 8
        live.step("busy", WRONG)
        now[0] = 12
        assert live.sweep() == 1
        assert live.get("idle") is None
        assert live.get("busy") is not None
        with pytest.raises(RefusedError, match="no episode 'idle'"):
            live.step("idle", WRONG)


def test_there_is_an_end_to_them(engine: DeepGym) -> None:
    with LiveEpisodes(engine=engine, capacity=1) as live:
        live.start("a", "reverse_string")
        live.start("a", "reverse_string")
        with pytest.raises(RefusedError, match="the most there may be"):
            live.start("b", "reverse_string")
        assert live.step("a", RIGHT).terminated
        with pytest.raises(UnknownTaskError):
            live.start("a", "no_such_task")
        assert len(live) == 0


def test_the_engine_outlives_an_episode(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.collect()
    monkeypatch.setattr(shared_engine, "_engine", None)  # other tests' shares are others'
    monkeypatch.setattr(shared_engine, "_shares", 0)
    with LiveEpisodes() as live:
        before = live.start("a", "reverse_string").env._engine
        live.end("a")
        assert live.start("b", "reverse_string").env._engine is before
        assert not before.closed
    assert before.closed


def test_threads_take_turns(engine: DeepGym) -> None:
    with LiveEpisodes(engine=engine) as live, ThreadPoolExecutor(8) as threads:
        for number in range(8):
            live.start(str(number), "reverse_string")
        done = list(threads.map(lambda number: live.step(str(number), RIGHT if number % 2 else WRONG), range(8)))
        assert [episode.terminated for episode in done] == [bool(number % 2) for number in range(8)]


def test_a_workspace_can_be_judged_after_every_turn(own: DeepGym) -> None:
    with LiveEpisodes(engine=own) as live:
        live.start("a", "debug_fix", dense=True)
        change = {"path": "stats.py", "old": "len(values) - window)", "new": "len(values) - window + 1)"}
        episode = live.step("a", {"name": "edit_file", "arguments": change})
        assert not episode.over
        assert 0.0 < episode.earned == episode.returned == pytest.approx(episode.score)
        assert live.step("a", {"name": "list_files", "arguments": {}}).earned == 0.0
        assert episode.returned == pytest.approx(episode.score)
