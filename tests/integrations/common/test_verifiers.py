"""The taskset of verifiers, run by verifiers' own evaluation against a model on this machine."""

from __future__ import annotations

import asyncio
import json

import pytest

from deepgym_env import DeepGym, load_environment
from deepgym_env.errors import ConfigError, UnknownTaskError
from deepgym_env.integrations.scoring import Scorer

pytest.importorskip("verifiers.v1", reason="run `make test-integrations`")
import fastapi
import verifiers.v1 as vf
from verifiers.v1.cli.eval.runner import run_eval
from verifiers.v1.configs.cli.eval import EvalConfig

from deepgym_env.integrations import verifiers as adapter

ANSWERS = {
    "reverse_string": "```python\ndef reverse_string(s): return s[::-1]\n```",
    "two_sum": "```python\ndef two_sum(nums, target): return [0, 1]\n```",
}


@pytest.fixture
def model(served):
    """A model that knows one task and half of another."""
    app = fastapi.FastAPI()

    def complete(body: dict):
        asked = body["messages"][-1]["content"]
        (answer,) = [text for name, text in ANSWERS.items() if name in asked]
        message = {"role": "assistant", "content": answer}
        return {
            "id": "c",
            "object": "chat.completion",
            "created": 0,
            "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }

    app.post("/v1/chat/completions")(complete)
    return f"{served(app).base_url}/v1".replace("//v1", "/v1")


@pytest.fixture
def judged_by(monkeypatch: pytest.MonkeyPatch):
    """Have traces judged by an engine."""
    return lambda engine: monkeypatch.setattr(adapter, "_scorer", lambda: Scorer(engine=engine))


def evaluate(model: str, tmp_path, *tasks: str, rollouts: int = 1):
    config = EvalConfig(
        env={
            "taskset": {"id": "deepgym-tasks", "tasks": list(tasks)},
            "agent": {"harness": {"id": "ask-once"}, "runtime": {"type": "subprocess"}},
        },
        model="m",
        client={"base_url": model, "api_key_var": "NO_SUCH_KEY"},
        num_rollouts=rollouts,
        push=False,
        rich=None,
        output_dir=tmp_path,
    )
    episodes = asyncio.run(run_eval(config))
    (file,) = tmp_path.rglob("traces.jsonl")
    return [trace for episode in episodes for trace in episode.traces], file.read_text()


def test_each_test_is_a_reward_and_they_add_up_to_the_score(model, tmp_path, engine: DeepGym, judged_by) -> None:
    judged_by(engine)
    traces, written = evaluate(model, tmp_path, *ANSWERS, rollouts=2)
    assert sorted(trace.task.key for trace in traces) == ["reverse_string"] * 2 + ["two_sum"] * 2
    for trace in traces:
        task = load_environment(trace.task.key)
        expected = engine.run(task, ANSWERS[task.id])
        assert trace.ok
        assert list(trace.rewards) == [test.id for test in task.tests]
        assert [reward.score * len(task.tests) for reward in trace.rewards.values()] == pytest.approx(
            expected.vector.tolist()
        )
        assert trace.reward == pytest.approx(expected.score)
        assert trace.metrics["score"] == expected.score
        assert trace.metrics["component:correctness"] == expected.reward_components["correctness"]
        assert trace.metrics["passed"] == float(expected.passed)
    assert {trace.metrics["passed"] for trace in traces} == {0.0, 1.0}
    assert len(written.splitlines()) == 4


def test_an_infrastructure_failure_is_an_error_of_the_trace(model, tmp_path, nowhere: DeepGym, judged_by) -> None:
    judged_by(nowhere)
    (trace,), written = evaluate(model, tmp_path, "reverse_string")
    assert (trace.ok, trace.last_error.type) == (False, "SandboxError")
    assert "no machine today" in trace.last_error.message
    assert [reward for reward in trace.rewards.values() if reward is not None] == []
    assert json.loads(written)["traces"][0]["errors"][0]["type"] == "SandboxError"


def test_tasks_are_looked_up_when_they_are_loaded() -> None:
    def load(*tasks: str):
        return list(adapter.DeepGymTaskset(adapter.DeepGymConfig(tasks=list(tasks))))

    (task,) = load("DeepGym/reverse_string")
    assert (task.data.idx, task.key, task.data.id) == (0, "reverse_string", "reverse_string")
    assert "reverse_string" in task.data.prompt
    assert set(task.data.model_dump()) - set(vf.TaskData.model_fields) == {"task"}
    built_in = {one.data.task for one in load()}
    assert "reverse_string" in built_in
    assert "debug_fix" not in built_in
    with pytest.raises(UnknownTaskError):
        load("reverse_strin")
    with pytest.raises(ConfigError, match="workspace"):
        load("debug_fix")
