"""NeMo-Gym's resources server, over HTTP. NeMo-Gym needs Python 3.12.

``/seed_session`` and ``/verify`` are called by the NeMo-Gym client of verifiers, in its evaluation. For
``/reset`` and ``/step`` the client is written from the protocol: its calls are those of
``responses_api_agents/gymnasium_agent/app.py``.
"""

from __future__ import annotations

import asyncio
import json

import pytest

from deepgym_env import DeepGym, load_environment

pytest.importorskip("fastapi", reason="run `make test-integrations`")
pytest.importorskip("verifiers.v1", reason="run `make test-integrations`")
import fastapi
import httpx
from verifiers.v1.cli.eval.runner import run_eval
from verifiers.v1.configs.cli.eval import EvalConfig

from deepgym_env.integrations.nemo_gym import create_nemo_gym_app

RIGHT = "```python\ndef reverse_string(s): return s[::-1]\n```"
PART = "```python\ndef reverse_string(s): return s\n```"
ROW = {"responses_create_params": {"input": []}, "verifier_metadata": {"task": "reverse_string"}}


def response(text: str = "", *calls: tuple[str, dict]):
    """Return a model's response, as OpenAI's Responses API has it."""
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
    output = [said] if text else []
    for number, (name, arguments) in enumerate(calls):
        output.append(
            {"type": "function_call", "call_id": f"call{number}", "name": name, "arguments": json.dumps(arguments)}
        )
    return {"id": "r", "object": "response", "output": [{"type": "reasoning", "summary": []}, *output]}


class Agent:
    """A rollout's side of the protocol: the cookies of a session."""

    def __init__(self, http: httpx.Client) -> None:
        self._url = http.base_url
        self._cookies: dict[str, str] = {}

    def post(self, path: str, row=ROW, status: int = 200, **more):
        answer = httpx.post(self._url.join(path), json={**row, **more}, cookies=self._cookies, timeout=60)
        self._cookies.update(answer.cookies)
        assert answer.status_code == status, answer.text
        return answer.json() if status == 200 else answer.json()["detail"]

    def step(self, *answer, **more):
        return self.post("/step", response=response(*answer), **more)


@pytest.fixture
def http(served, engine: DeepGym) -> httpx.Client:
    return served(create_nemo_gym_app(engine=engine))


def test_an_episode(http: httpx.Client) -> None:
    agent = Agent(http)
    begun = agent.post("/reset")
    assert "reverse_string" in begun["observation"]
    assert {tool["function"]["name"] for tool in begun["info"]["tools"]} == {"submit", "run_code"}
    first = agent.step(PART)
    assert (first["terminated"], first["truncated"], first["info"]["tool_outputs"]) == (False, False, [])
    assert 0 < first["reward"] < 1
    calls = ("", ("run_code", {"code": "print('seen')"}), ("submit", {"code": RIGHT}))
    last = agent.step(*calls)
    assert (last["terminated"], last["observation"], last["info"]["passed"]) == (True, None, True)
    outputs = last["info"]["tool_outputs"]
    assert [output["call_id"] for output in outputs] == ["call0", "call1"]
    assert "seen" in outputs[1]["output"]
    assert first["reward"] + last["reward"] == pytest.approx(1.0)
    assert set(last["info"]["tests"].values()) == {1.0}
    assert "is over" in agent.step(RIGHT, status=409)


def test_sessions_are_apart_and_can_be_closed(http: httpx.Client) -> None:
    one, other = Agent(http), Agent(http)
    one.post("/reset")
    other.post("/reset", row={**ROW, "verifier_metadata": {"task": "debug_fix"}})
    assert other.step("<bash>ls</bash>")["info"]["task"] == "debug_fix"
    assert other.step("", ("submit", {}))["terminated"]
    assert one.step(RIGHT)["info"]["passed"]
    one.post("/reset")
    one.post("/close")
    assert "no episode" in one.step(RIGHT, status=409)


def test_an_infrastructure_failure_is_no_reward(served, nowhere: DeepGym) -> None:
    agent = Agent(served(create_nemo_gym_app("reverse_string", engine=nowhere)))
    bare = {"responses_create_params": {"input": []}}
    agent.post("/reset", row=bare)
    for failed in (
        agent.step(RIGHT, status=503),
        agent.post("/verify", row=bare, response=response(RIGHT), status=503),
    ):
        assert failed["failure_kind"] == "provider_unavailable"
        assert failed["failure_reason"]


def test_rows_that_name_no_task_there_is_are_refused(http: httpx.Client) -> None:
    agent = Agent(http)
    assert "names no task" in agent.post("/seed_session", row={}, status=422)
    assert "no task 'reverse_strin'" in agent.post("/reset", row={"task": "reverse_strin"}, status=422)
    workspace = {**ROW, "verifier_metadata": {"task": "debug_fix"}}
    assert "workspace" in agent.post("/verify", row=workspace, response=response(RIGHT), status=422)
    agent.post("/step", row={}, status=422)


def evaluate(http: httpx.Client, served, tmp_path):
    """Have verifiers evaluate a model on a row, whose session and verdict are the server's."""
    model = fastapi.FastAPI()

    def complete(body: dict):
        message = {"role": "assistant", "content": PART}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}

    model.post("/v1/chat/completions")(complete)
    dataset = tmp_path / "rows.jsonl"
    dataset.write_text(json.dumps({**ROW, "responses_create_params": {"input": "Reverse it."}}))
    taskset = {"id": "nemo-rows", "dataset": str(dataset), "task": {"resources_url": str(http.base_url)}}
    config = EvalConfig(
        env={"taskset": taskset, "agent": {"harness": {"id": "ask-once"}, "runtime": {"type": "subprocess"}}},
        model="m",
        client={"base_url": str(served(model).base_url.join("/v1")), "api_key_var": "NO_SUCH_KEY"},
        push=False,
        rich=None,
        output_dir=tmp_path,
    )
    (episode,) = asyncio.run(run_eval(config))
    (trace,) = episode.traces
    return trace


def test_verifiers_client_of_it(http: httpx.Client, served, engine: DeepGym, tmp_path) -> None:
    trace = evaluate(http, served, tmp_path)
    expected = engine.run(load_environment("reverse_string"), PART)
    assert trace.ok, trace.errors
    assert trace.reward == pytest.approx(expected.score)
    assert trace.info["nemo_gym"]["reward_components"] == expected.reward_components
    assert list(trace.info["nemo_gym"]["tests"].values()) == expected.vector.tolist()
    assert trace.metrics["passed"] == 0.0


def test_verifiers_client_of_one_without_sandboxes(served, nowhere: DeepGym, tmp_path) -> None:
    trace = evaluate(served(create_nemo_gym_app(engine=nowhere)), served, tmp_path)
    assert not trace.ok
    assert "503" in trace.last_error.message
