"""OpenRLHF's own rollout code with our rewards: over HTTP, and as a file."""

from __future__ import annotations

import asyncio
import logging
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("openrlhf", reason="run `make test-integrations`")
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from openrlhf_rollouts import SingleTurnAgentExecutor, as_experience, sample
from tiny_models import END

from deepgym_env import DeepGym, load_environment
from deepgym_env.errors import ConfigError, SandboxError, UnknownTaskError
from deepgym_env.integrations import openrlhf_reward
from deepgym_env.integrations.openrlhf import answer_in, completion_of, create_openrlhf_router, reward_fields
from deepgym_env.integrations.scoring import Scorer

TASK = load_environment("reverse_string")
RIGHT = "```python\ndef reverse_string(s): return s[::-1]\n```"
HALF = "```python\ndef reverse_string(s): return s\n```"


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What OpenRLHF's rollouts log."""
    logger = logging.getLogger("openrlhf.utils.agent")
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[..., str]]:
    """Serves a router, returns the URL of its rewards."""
    servers = []

    def start(*args: Any) -> str:
        app = FastAPI()
        app.include_router(create_openrlhf_router(*args))
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", ws="none", lifespan="off"))
        thread = threading.Thread(target=server.run)
        thread.start()
        servers.append((server, thread))
        while not server.started:
            assert thread.is_alive()
            thread.join(0.01)
        return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/reward/score"

    yield start
    for server, thread in servers:
        server.should_exit = True
        thread.join()


def test_rewards_over_http(engine: DeepGym, tokenizer: Any, serve: Callable[..., str]) -> None:
    executor = SingleTurnAgentExecutor(serve(None, engine))
    for reply, score in ((RIGHT, 1.0), (HALF, engine.run(TASK, HALF).score), ("no idea", 0.0)):
        response = sample(executor, tokenizer, reply)
        assert (response["reward"], response["scores"]) == ([score], [score])
        experience = as_experience(response)
        assert experience.rewards.flatten().tolist() == pytest.approx([score])
        assert experience.info["passed"].flatten().tolist() == [float(score == 1.0)]
    assert 0 < engine.run(TASK, HALF).score < 1


def test_rewards_from_a_server_with_keys(keyed_server: Any, tokenizer: Any, logged: Any) -> None:
    executor = SingleTurnAgentExecutor(f"{keyed_server.with_key}/reward/score")
    for reply, score in ((RIGHT, 1.0), ("no idea", 0.0)):
        response = sample(executor, tokenizer, reply)
        assert (response["reward"], response["scores"]) == ([score], [score])
    assert 0 < sample(executor, tokenizer, HALF)["reward"][0] < 1
    assert logged.text == ""


def test_without_its_key_there_is_no_reward(
    keyed_server: Any, tokenizer: Any, monkeypatch: pytest.MonkeyPatch, logged: Any
) -> None:
    async def sleep(seconds: float) -> None:
        """Lose no time between tries."""

    monkeypatch.setattr("openrlhf.utils.agent.asyncio", SimpleNamespace(**vars(asyncio) | {"sleep": sleep}))
    response = sample(SingleTurnAgentExecutor(f"{keyed_server.address}/reward/score"), tokenizer, RIGHT)
    assert (response["reward"], response["scores"]) == (None, None)
    assert "401, message='Unauthorized'" in logged.text


def test_a_prompt_that_was_cut_off(engine: DeepGym, tokenizer: Any, serve: Callable[..., str]) -> None:
    response = sample(SingleTurnAgentExecutor(serve(None, engine)), tokenizer, RIGHT, max_length=512 + 60)
    assert len(response["observation_tokens"]) < 512
    assert response["reward"] == [1.0]


def test_no_verdict_over_http_is_no_reward(
    broken: DeepGym, tokenizer: Any, serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch, logged: Any
) -> None:
    pauses = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("openrlhf.utils.agent.asyncio", SimpleNamespace(**vars(asyncio) | {"sleep": sleep}))
    executor = SingleTurnAgentExecutor(serve("reverse_string", broken))
    response = sample(executor, tokenizer, RIGHT)
    assert (response["reward"], response["scores"]) == (None, None)
    assert as_experience(response).rewards is None
    assert pauses == [1] * 5  # its own tries
    assert logged.text.count("503, message='Service Unavailable'") == 5


def test_the_cause_is_told(broken: DeepGym, caplog: pytest.LogCaptureFixture) -> None:
    answer = client("reverse_string", broken).post("/reward/score", json={"outputs": [RIGHT, RIGHT]})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert re.match(r"no verdict on 2 of 2: .*/no/such/python", answer.json()["detail"])
    assert f"/reward/score answered 503: {answer.json()['detail']}" in caplog.text
    client(None, broken).post("/reward/score", json={"outputs": ["?"]})
    assert "/reward/score answered 422: a row names no task" in caplog.text


def client(*args: Any) -> TestClient:
    app = FastAPI()
    app.include_router(create_openrlhf_router(*args))
    return TestClient(app)


def test_prompts_and_outputs(engine: DeepGym) -> None:
    body = {"prompts": ["Reverse.", "Reverse."], "outputs": [RIGHT, "?"]}
    answer = client(TASK, engine).post("/reward/score", json=body)
    assert answer.status_code == 200
    assert answer.json() == {"rewards": [1.0, 0.0], "scores": [1.0, 0.0], "extra_logs": {"passed": [1.0, 0.0]}}
    none = client(None, engine).post("/reward/score", json={"outputs": []})
    assert none.json() == {"rewards": [], "scores": [], "extra_logs": {"passed": []}}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "either query, with prompts, or outputs"),
        ({"query": ["a"], "prompts": ["a"], "outputs": ["a"]}, "either query"),
        ({"query": ["a"]}, "query needs prompts"),
        ({"outputs": "a"}, "valid list"),
        ({"outputs": ["a"], "prompts": []}, "got 1 texts and 0 prompts"),
        ({"outputs": ["a"], "labels": ["two_sum"] * 2}, "got 1 texts and 2 labels"),
        ({"outputs": ["a"], "labels": ["two_sun"]}, "did you mean 'two_sum'"),
        ({"outputs": ["a"], "labels": ["debug_fix"]}, "is a workspace"),
        ({"outputs": ["a"], "labels": [""]}, "names no task"),
        ({"query": ["a b"], "prompts": ["c"], "labels": ["two_sum"]}, "must begin with its prompt"),
    ],
)
def test_bodies_that_say_nothing(engine: DeepGym, body: Any, said: str) -> None:
    answer = client(None, engine).post("/reward/score", json=body)
    assert answer.status_code == 422
    assert said in answer.text


def test_its_file_tells_where_it_is() -> None:
    command = [sys.executable, "-m", "deepgym_env.integrations.openrlhf_reward"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{openrlhf_reward.__file__}\n"


def test_rewards_from_a_file(tokenizer: Any) -> None:
    executor = SingleTurnAgentExecutor(openrlhf_reward.__file__)
    response = sample(executor, tokenizer, RIGHT)
    assert response["reward"] == [1.0]
    assert as_experience(response).rewards.flatten().tolist() == [1.0]
    assert sample(executor, tokenizer, "no idea")["reward"] == [0.0]


def test_no_verdict_from_a_file_is_no_reward(
    broken: DeepGym, tokenizer: Any, monkeypatch: pytest.MonkeyPatch, logged: Any
) -> None:
    executor = SingleTurnAgentExecutor(openrlhf_reward.__file__)
    monkeypatch.setitem(executor.reward_func.__globals__, "_scorer", Scorer(engine=broken))
    monkeypatch.setattr(openrlhf_reward, "PAUSES", ())
    monkeypatch.setitem(executor.reward_func.__globals__, "PAUSES", ())
    assert sample(executor, tokenizer, RIGHT)["reward"] is None
    assert "no verdict on a submission of reverse_string" in logged.text


def test_what_lacks_a_verdict_is_judged_again(engine: DeepGym, broken: DeepGym) -> None:
    class Recovering(Scorer):
        """The second time its sandboxes can be started."""

        tries = ()

        def __call__(self, completions: Any, tasks: Any = None) -> Any:
            self.tries = (*self.tries, list(completions))
            return Scorer(engine=engine if len(self.tries) > 1 else broken)(completions, tasks)

    scorer = Recovering()
    results = openrlhf_reward.judged(scorer, [RIGHT, HALF], ["reverse_string"] * 2, pauses=(0, 0))
    assert [result.passed for result in results] == [True, False]
    assert scorer.tries == ([RIGHT, HALF], [RIGHT, HALF])
    with pytest.raises(SandboxError, match="no verdict on a submission of reverse_string"):
        openrlhf_reward.judged(Scorer(engine=broken), [RIGHT], ["reverse_string"], pauses=(0,))
    with pytest.raises(ConfigError, match="has no reward"):
        reward_fields(Scorer(engine=broken)([RIGHT], ["reverse_string"]))


def test_a_row_without_a_task(engine: DeepGym) -> None:
    with pytest.raises(ConfigError, match="names no task"):
        openrlhf_reward.reward_func(["a b"], ["a"], [""])
    with pytest.raises(UnknownTaskError):
        openrlhf_reward.reward_func(["a b"], ["a"], ["no_such_task"])


@pytest.mark.parametrize(
    ("query", "prompt", "completion"),
    [
        ("ab", "a", "b"),
        ("a", "a", ""),
        ("x", "", "x"),
        ("<s> [INST] Add [/INST] y</s>", "<s>[INST] Add [/INST]", "y"),
        ("<s>Add.\n\n  return x\n", "Add.\n\n", "\n\n  return x\n"),
        (f"{'w' * 40}: x", f"What {'w' * 40}:", "x"),
    ],
)
def test_completions_in_queries(query: str, prompt: str, completion: str) -> None:
    assert completion_of(query, prompt) == completion


@pytest.mark.parametrize(("query", "prompt"), [("abc", "abd"), ("", "a"), ("end: x", f"{'long ' * 20}end:")])
def test_queries_that_are_not_of_their_prompt(query: str, prompt: str) -> None:
    with pytest.raises(ConfigError, match="must begin with its prompt"):
        completion_of(query, prompt)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("x\n", "x\n"),
        (f"```\nx\n```{END}\n", "```\nx\n```"),
        ("x<｜end▁of▁sentence｜>", "x"),
        ("x</s></s>", "x"),
        (END, ""),
        (f"a{END}b", f"a{END}b"),
        ("    return x", "    return x"),
    ],
)
def test_special_tokens_at_the_end_are_no_code(text: str, answer: str) -> None:
    assert answer_in(text) == answer


def test_it_takes_linear_time() -> None:
    assert answer_in("x" + "\n" * 300_000 + "y").endswith("y")
    assert answer_in("</s> " * 100_000) == ""
    with pytest.raises(ConfigError):
        completion_of("a" * 100_000, "a" * 100_000 + "b")
