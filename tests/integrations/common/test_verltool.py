"""VerlTool's tool server, over HTTP. VerlTool is not on PyPI: the client is written from the protocol.

Requests and answers are those of ``verl_tool/agent_loop/verltool_agent_loop.py``.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from deepgym_env import DeepGym

pytest.importorskip("fastapi", reason="run `make test-integrations`")
import fastapi
import httpx

from deepgym_env.integrations.live import LiveEpisodes
from deepgym_env.integrations.openrlhf import create_openrlhf_router
from deepgym_env.integrations.sandbox_fusion import create_sandbox_fusion_router
from deepgym_env.integrations.serving import keeping
from deepgym_env.integrations.verltool import create_verltool_app, create_verltool_router

RIGHT = "```python\ndef reverse_string(s): return s[::-1]\n```"
PART = "```python\ndef reverse_string(s): return s\n```"
TASK = {"task": "reverse_string"}


class Client:
    """A trainer's side of the protocol."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def act(self, *turns, extra=TASK, finish=False, last=False, status=200):
        """Send turns ``(trajectory, action)``; return ``(observation, done, valid)`` of each."""
        body = {
            "trajectory_ids": [key for key, _ in turns],
            "actions": [action for _, action in turns],
            "extra_fields": [extra for _ in turns],
            "finish": [finish for _ in turns],
            "is_last_step": [last for _ in turns],
        }
        answer = self._http.post("/get_observation", json=body)
        assert answer.status_code == status, answer.text
        if status != 200:
            return answer.json()["detail"]
        told = answer.json()
        for observation in told["observations"]:
            assert isinstance(observation["obs"], str)
            assert observation["reward"] is None or isinstance(observation["reward"], float)
        return list(zip(told["observations"], told["dones"], told["valids"], strict=True))

    def raw(self, body):
        return self._http.post("/get_observation", json=body)

    def health(self):
        return self._http.get("/health").json()


@pytest.fixture
def client(served, engine: DeepGym) -> Client:
    return Client(served(create_verltool_app(engine=engine)))


def test_rewards_of_a_trajectory_add_up_to_its_score(client: Client) -> None:
    assert client.health()["status"] == "healthy"
    rewards = []
    for action in (PART, "<tool_call>{]</tool_call>", RIGHT):
        ((seen, done, valid),) = client.act(("t", action))
        rewards.append(seen["reward"])
        assert sum(rewards) == pytest.approx(seen["score"])
        assert sum(seen["tests"].values()) == pytest.approx(seen["score"] * len(seen["tests"]))
        assert valid == (action != "<tool_call>{]</tool_call>")
    assert 0 < rewards[0] < 1
    assert rewards[1] == 0
    assert (done, seen["passed"], seen["score"]) == (True, True, 1.0)
    ((again, done, valid),) = client.act(("t", RIGHT))  # as the client does when the answer came too late
    assert (again, done, valid) == (seen, True, True)
    ((seen, done, valid),) = client.act(("t", PART))
    assert (seen["reward"], done, valid) == (None, True, False)


def test_trajectories_of_one_request_are_apart_and_each_in_its_order(client: Client) -> None:
    turns = [("a", PART), ("b", RIGHT), ("a", RIGHT), ("c", "no code"), ("a", PART)]
    answers = client.act(*turns)
    assert [seen["score"] for seen, _, _ in answers] == [pytest.approx(answers[0][0]["score"]), 1, 1, 0, 1]
    assert [done for _, done, _ in answers] == [False, True, True, False, True]
    assert answers[2][0]["turn"] == 2
    assert "over" in answers[4][0]["obs"]
    assert client.health()["episodes"] == 3
    client.act(("a", ""), ("b", ""), finish=True)
    assert client.health()["episodes"] == 1


def test_in_an_application_of_ones_own(served, engine: DeepGym) -> None:
    app = fastapi.FastAPI()
    with LiveEpisodes(engine=engine) as live:
        app.include_router(create_verltool_router(live, "reverse_string", max_turns=1))
        app.include_router(create_sandbox_fusion_router(engine))
        app.include_router(create_openrlhf_router("reverse_string", engine))
        http = served(app)
        ((seen, done, _),) = Client(http).act(("t", PART), extra={})
        assert (0 < seen["score"] < 1, done, len(live)) == (True, True, 1)
        scored = http.post("/reward/score", json={"outputs": [RIGHT]}).json()
        assert scored["rewards"] == [1.0]
        ran = http.post("/run_code", json={"code": "print(1)", "language": "python"}).json()
        assert ran["run_result"]["stdout"] == "1\n"


def test_a_turn_that_takes_long_keeps_nothing_else_waiting(served, engine: DeepGym) -> None:
    with LiveEpisodes(engine=engine) as live:
        app = fastapi.FastAPI(lifespan=keeping(live, 1, lambda: None))  # one thread for all that is short
        app.include_router(create_verltool_router(live, "debug_fix"))
        app.get("/short")(lambda: "done")
        http = served(app)
        turn = {"trajectory_ids": ["t"], "actions": ["<bash>sleep 5</bash>"]}
        with ThreadPoolExecutor(1) as threads:
            long = threads.submit(http.post, "/get_observation", json=turn)
            while (episode := live.get("t")) is None or not episode.busy:
                time.sleep(0.01)
            assert http.get("/short").json() == "done"
            assert episode.busy
            assert long.result().json()["valids"] == [True]


def test_cleanup_as_the_client_sends_it(client: Client) -> None:
    client.act(("t", PART))
    body = {"trajectory_ids": "t", "actions": [""], "finish": [True], "is_last_step": [True]}
    assert client.raw(body).json()["dones"] == [True]
    assert client.health()["episodes"] == 0


def test_many_requests_at_a_time(client: Client) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: client.act((str(n), RIGHT if n % 2 else PART))[0], range(16)))
    assert [done for _, done, _ in answers] == [bool(n % 2) for n in range(16)]


def test_a_workspace_is_judged_after_the_last_step(client: Client) -> None:
    row = {"extra_info": {"task": "debug_fix"}}
    ((seen, done, valid),) = client.act(("w", "<bash>ls</bash>"), extra=row)
    assert (seen["reward"], done, valid, seen["status"]) == (0, False, True, "not_run")
    ((seen, done, valid),) = client.act(("w", "<bash>ls</bash>"), extra=row, last=True)
    assert (done, valid) == (True, True)
    assert seen["status"] != "not_run"
    assert seen["reward"] == pytest.approx(seen["score"])


def test_an_infrastructure_failure_is_no_reward(served, nowhere: DeepGym) -> None:
    client = Client(served(create_verltool_app("reverse_string", engine=nowhere)))
    ((seen, done, valid),) = client.act(("t", RIGHT), extra={})
    assert (seen["reward"], seen["score"], seen["has_verdict"], done, valid) == (None, None, False, True, False)
    assert "sandbox failed" in seen["obs"]


def test_what_can_not_be_served_is_refused(client: Client, served, engine: DeepGym) -> None:
    assert "names no task" in client.act(("t", RIGHT), extra={}, status=422)
    assert "no task 'reverse_strin'" in client.act(("t", RIGHT), extra={"task": "reverse_strin"}, status=422)
    assert client.raw({"trajectory_ids": ["a", "b"], "actions": ["x"]}).status_code == 422
    full = Client(served(create_verltool_app("reverse_string", engine=engine, capacity=1)))
    full.act(("a", PART))
    assert "the most there may be" in full.act(("b", PART), status=503)
