"""OpenEnv's server, driven by OpenEnv's client over a WebSocket."""

from __future__ import annotations

import asyncio

import pytest

from deepgym_env import DeepGym, load_environment

pytest.importorskip("openenv.core", reason="run `make test-integrations`")
from openenv.core import GenericEnvClient

from deepgym_env.integrations.openenv import DeepGymAction, DeepGymClient, create_app

RIGHT = "```python\ndef reverse_string(s): return s[::-1]\n```"
PART = "```python\ndef reverse_string(s): return s\n```"


@pytest.fixture
def url(served, engine: DeepGym) -> str:
    return str(served(create_app(engine=engine, capacity=4)).base_url)


def test_an_episode(url: str, engine: DeepGym) -> None:
    expected = engine.run(load_environment("reverse_string"), PART)
    with DeepGymClient(base_url=url).sync() as env:
        begun = env.reset(task="reverse_string", episode_id="e1")
        assert "reverse_string" in begun.observation.text
        assert (begun.reward, begun.done) == (None, False)
        first = env.step(DeepGymAction(text=PART))
        assert first.observation.test_ids == [case.id for case in expected.cases]
        assert first.observation.test_scores == first.observation.test_rewards == expected.vector.tolist()
        assert first.reward == pytest.approx(expected.score)
        last = env.step(RIGHT)
        assert (last.done, last.observation.terminated, last.observation.passed) == (True, True, True)
        assert first.reward + last.reward == pytest.approx(1.0)
        summed = [a + b for a, b in zip(first.observation.test_rewards, last.observation.test_rewards, strict=True)]
        assert summed == last.observation.test_scores == [1.0] * len(summed)
        state = env.state()
        assert (state.episode_id, state.step_count, state.task, state.score) == ("e1", 2, "reverse_string", 1.0)
        assert not env.reset(task="two_sum", seed=1).done
        assert env.state().task == "two_sum"


def test_sessions_play_beside_each_other(url: str) -> None:
    async def play(number: int) -> tuple[float, bool]:
        async with DeepGymClient(base_url=url) as env:
            await env.reset(task="reverse_string")
            await asyncio.sleep(0)
            first = await env.step(PART)
            second = await env.step(RIGHT if number % 2 else PART)
            return first.reward + second.reward, second.done

    async def all_of_them():
        return await asyncio.gather(*map(play, range(4)))

    played = asyncio.run(all_of_them())
    assert [done for _, done in played] == [False, True] * 2
    assert [total == pytest.approx(1.0) for total, _ in played] == [False, True] * 2


def test_a_workspace_by_the_client_for_any_environment(url: str) -> None:
    with GenericEnvClient(base_url=url).sync() as env:
        assert "## Tools" in env.reset(task="debug_fix").observation["text"]
        looked = env.step({"text": "<bash>ls</bash>"})
        assert (looked.reward, looked.done, looked.observation["status"]) == (0.0, False, "not_run")
        handed_in = env.step({"text": '<tool_call>{"name": "submit", "arguments": {}}</tool_call>'})
        assert handed_in.done
        assert handed_in.reward == pytest.approx(handed_in.observation["score"])


def test_an_infrastructure_failure_is_no_reward(served, nowhere: DeepGym) -> None:
    url = str(served(create_app("reverse_string", engine=nowhere)).base_url)
    with DeepGymClient(base_url=url).sync() as env:
        env.reset()
        with pytest.raises(RuntimeError, match=r"sandbox failed.*EXECUTION_ERROR"):
            env.step(RIGHT)
        assert env.state().score is None
        assert not env.reset().done


def test_what_can_not_be_done_is_said(url: str, served) -> None:
    with DeepGymClient(base_url=url).sync() as env:
        for call, message in (
            (lambda: env.step(RIGHT), "no episode has begun"),
            (lambda: env.reset(), "no task is named"),
            (lambda: env.reset(task="reverse_strin"), "no task 'reverse_strin'"),
        ):
            with pytest.raises(RuntimeError, match=message):
                call()
    with GenericEnvClient(base_url=url).sync() as env:
        env.reset(task="reverse_string")
        with pytest.raises(RuntimeError, match="VALIDATION_ERROR"):
            env.step({"code": RIGHT})
