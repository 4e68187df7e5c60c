"""The agent loop, against scripts and against a chat endpoint that speaks the protocol."""

from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import gymnasium as gym
import pytest

from deepgym_env import load_task
from deepgym_env.envs import CodingEnv
from deepgym_env.errors import ConfigError
from deepgym_env.rollout import ChatPolicy, PolicyError, arollout, rollout, rollout_many, scripted

pytest.importorskip("openai")
REFERENCE = load_task("two_sum").reference


@pytest.fixture
def env(own):
    env = CodingEnv("two_sum", engine=own)
    yield env
    env.close()


@pytest.fixture
def workspace(own):
    env = CodingEnv("debug_fix", engine=own)
    yield env
    env.close()


class Endpoint:
    """A chat endpoint: answers each request with what ``answer(request)`` returns; notes requests."""

    def __init__(self, answer):
        self.requests = []
        lock = threading.Lock()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    endpoint.requests.append((self.path, self.headers["Authorization"], request))
                    status, body = answer(request, len(endpoint.requests))
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.send_header("retry-after-ms", "1")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def completion(content=None, calls=(), tokens=10):
    message = {"role": "assistant", "content": content}
    if calls:
        message["tool_calls"] = [
            {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
            for n, (name, arguments) in enumerate(calls)
        ]
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    usage = {"prompt_tokens": 1, "completion_tokens": tokens - 1, "total_tokens": tokens}
    return {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}


@pytest.fixture
def serve():
    started = []

    def start(answer):
        started.append(Endpoint(answer))
        return started[-1]

    yield start
    for endpoint in started:
        endpoint.close()


def run(policy, coroutine):
    async def main():
        try:
            return await coroutine
        finally:
            await policy.aclose()

    return asyncio.run(main())


# ── scripts and functions ─────────────────────────────────────────────────────────────────


def test_a_function_is_a_policy_and_sees_the_conversation(env):
    seen = []

    def policy(messages, tools):
        seen.append(list(messages))
        return REFERENCE if len(messages) > 1 else "def two_sum(nums, target): return []"

    done = rollout(env, policy, seed=3)
    assert [message["role"] for message in done.messages] == ["user", "assistant", "user", "assistant", "user"]
    assert done.messages[0]["content"] == load_task("two_sum").prompt
    assert seen[1] == done.messages[:3]
    assert (done.end, done.score, done.seed, done.has_verdict) == ("solved", 1.0, 3, True)
    assert done.returned.tolist() == [1.0] * len(load_task("two_sum").tests)


def test_a_script_plays_a_workspace(workspace):
    def script():
        seen = yield {"name": "bash", "arguments": {"command": "echo hello"}}
        assert seen == "hello"
        yield "<bash>echo more</bash>"

    done = rollout(workspace, scripted(script))
    assert [turn.observation for turn in done.turns][:2] == ["hello", "more"]
    assert (done.end, done.score, len(done.turns)) == ("submitted", 0.0, 3)


def test_a_workspace_cut_off_is_judged_as_it_is(workspace):
    fixed = "def mean(values):\n    if not values:\n        raise ValueError\n    return sum(values) / len(values)\n"

    def script():
        while True:
            yield {"name": "write_file", "arguments": {"path": "stats.py", "content": fixed}}

    done = rollout(workspace, scripted(script), max_turns=2)
    assert (done.end, len(done.turns)) == ("turns", 3)
    assert 0 < done.score < 1
    assert done.info["evaluated"]


def test_the_environments_own_turns_run_out(own):
    env = CodingEnv("two_sum", max_turns=2, engine=own)
    done = rollout(env, lambda messages, tools: "nothing (of use")
    assert (done.end, len(done.turns), done.score) == ("turns", 2, 0.0)
    env.close()


def test_a_policy_that_fails_is_no_verdict(env):
    def policy(messages, tools):
        raise PolicyError("out of ideas")

    done = rollout(env, policy)
    assert (done.end, done.error, done.score, done.has_verdict) == ("policy_error", "out of ideas", None, False)


def test_an_asynchronous_policy_is_refused_where_nobody_awaits(env):
    async def policy(messages, tools):
        return ""

    with pytest.raises(ConfigError, match="arollout"):
        rollout(env, policy)


# ── a chat endpoint ───────────────────────────────────────────────────────────────────────


def test_a_model_calls_tools(workspace, serve):
    def answer(request, number):
        if number == 1:
            return 200, completion("Let me look.", [("bash", {"command": "echo one"}), ("list_files", {})])
        return 200, completion(None, [("submit", {})])

    endpoint = serve(answer)
    policy = ChatPolicy("m", base_url=endpoint.url, system="You are an agent.", temperature=0.5)
    done = run(policy, arollout(workspace, policy))
    assert (done.end, done.tokens, len(done.turns)) == ("submitted", 20, 2)
    (path, key, first), (_, _, second) = endpoint.requests
    assert (path, key) == ("/v1/chat/completions", "Bearer none")
    assert (first["model"], first["temperature"], first["messages"][0]["role"]) == ("m", 0.5, "system")
    assert {tool["function"]["name"] for tool in first["tools"]} >= {"bash", "submit"}
    *_, said, one, two = second["messages"]
    assert [call["id"] for call in said["tool_calls"]] == [one["tool_call_id"], two["tool_call_id"]]
    assert "[1] bash\none" in two["content"]
    assert "stats.py" in two["content"]


def test_a_model_calls_tools_in_text(workspace, serve):
    text = '<tool_call>{"name": "bash", "arguments": {"command": "echo one"}}</tool_call>'
    endpoint = serve(lambda request, number: (200, completion(text if number == 1 else "<submit></submit>")))
    policy = ChatPolicy("m", base_url=endpoint.url, use_tools=False)
    done = run(policy, arollout(workspace, policy))
    assert "tools" not in endpoint.requests[0][2]
    assert (done.end, done.turns[0].observation) == ("submitted", "one")


def test_requests_that_fail_are_repeated(env, serve):
    def answer(request, number):
        return (
            (200, completion(REFERENCE))
            if number == 4
            else ([429, 500, 503][number - 1], {"error": {"message": "busy"}})
        )

    endpoint = serve(answer)
    policy = ChatPolicy("m", base_url=endpoint.url)
    done = run(policy, arollout(env, policy))
    assert (done.end, len(endpoint.requests)) == ("solved", 4)


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_an_endpoint_that_keeps_failing_is_no_verdict(env, serve, status):
    endpoint = serve(lambda request, number: (status, {"error": {"message": "no such model"}}))
    policy = ChatPolicy("m", base_url=endpoint.url, retries=1)
    done = run(policy, arollout(env, policy))
    assert (done.end, done.score) == ("policy_error", None)
    assert "no such model" in done.error


@pytest.mark.parametrize("body", [{"choices": []}, {"nonsense": 1}])
def test_an_answer_without_a_message_is_no_verdict(env, serve, body):
    endpoint = serve(lambda request, number: (200, body))
    policy = ChatPolicy("m", base_url=endpoint.url, retries=0)
    assert run(policy, arollout(env, policy)).end == "policy_error"


def test_no_endpoint_at_all(env):
    policy = ChatPolicy("m", base_url="http://127.0.0.1:9/v1", retries=0)
    done = run(policy, arollout(env, policy))
    assert done.end == "policy_error"
    assert "Connection" in done.error


def test_tokens_run_out(env, serve):
    endpoint = serve(lambda request, number: (200, completion("```python\nx = 1\n```", tokens=40)))
    policy = ChatPolicy("m", base_url=endpoint.url)
    done = run(policy, arollout(env, policy, max_tokens=100))
    assert (done.end, done.tokens, len(done.turns)) == ("tokens", 120, 3)


def test_many_episodes_at_a_time(own, serve):
    def answer(request, number):
        wrong = len(request["messages"]) == 1
        return 200, completion("def two_sum(nums, target): return []" if wrong else REFERENCE)

    endpoint = serve(answer)
    policy = ChatPolicy("m", base_url=endpoint.url)
    told = []
    many = rollout_many(
        lambda: gym.make("DeepGym/two_sum", engine=own),
        policy,
        range(10),
        concurrency=4,
        progress=lambda done, of: told.append((done, of)),
    )
    rollouts = run(policy, many)
    assert [done.seed for done in rollouts] == list(range(10))
    assert [(done.end, len(done.turns)) for done in rollouts] == [("solved", 2)] * 10
    assert sorted(told) == [(done, 10) for done in range(1, 11)]
    assert len(endpoint.requests) == 20


def test_options_that_cannot_work_are_refused(own, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="api_key"):
        ChatPolicy("m")
    with pytest.raises(ConfigError, match="concurrency"):
        asyncio.run(rollout_many(lambda: None, lambda m, t: "", [0], concurrency=0))
