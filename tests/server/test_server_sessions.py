"""Episodes over HTTP: turns, names of turns, branches, owners, and their end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from live_server import serving

from deepgym_env import load_environment
from deepgym_env.benchmarks.records import to_text
from deepgym_env.envs import CodingEnv
from deepgym_env.trials import solver_of

RIGHT = "def reverse_string(s):\n    return s[::-1]"
WRONG = "def reverse_string(s):\n    return s"


@pytest.fixture(scope="module")
def server(own, tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    with serving(own, database=f"sqlite:///{folder}/a.db", max_sessions=64) as running:
        yield running


@pytest.fixture
def start(server):
    """Starts sessions, ended with the test."""
    started = []

    def begin(environment="reverse_string", **options):
        session = server.post("/v1/sessions", {"environment": environment, **options}, 201)
        started.append(session["id"])
        return session

    yield begin
    for session in started:
        server.http.delete(f"/v1/sessions/{session}")


@pytest.fixture
def step(server):
    """Takes steps, each under a name of its own unless it is given one."""
    names = iter(range(10**6))

    def take(session, action, name=None, expect=200):
        request = {"step_id": name or f"s{next(names)}", "action": action}
        return server.post(f"/v1/sessions/{session['id']}/steps", request, expect)

    return take


def bash(command):
    return {"name": "bash", "arguments": {"command": command}}


def kill_sandbox(server, session):
    process = server.live.sessions._sessions[session["id"]]._episode.session.runner._handle.process
    process.kill()
    process.wait()


# ── turns ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("environment", ["reverse_string", "debug_fix"])
def test_a_session_is_what_the_environment_is(own, server, start, step, environment):
    """The same actions here and there: every part of every answer is equal."""
    env = CodingEnv(environment, engine=own)
    prompt, info = env.reset(seed=3)
    session = start(environment, seed=3)
    assert session["observation"] == prompt
    assert session["tools"] == info["tools"]
    assert session["max_turns"] == env.max_turns
    actions = {
        "reverse_string": [WRONG, "no code", {"name": "run_code", "arguments": {"code": "print(1)"}}, RIGHT],
        "debug_fix": ["```bash\nls\n```", bash("false"), {"name": "nope", "arguments": {}}, bash("cat *"), "submit"],
    }[environment]
    total = np.zeros(len(env.task.tests))
    for turn, action in enumerate(actions, 1):
        shown, reward, terminated, truncated, info = env.step(action)
        answer = step(session, action)
        assert answer["observation"] == shown
        assert answer["reward"] == reward.tolist()
        assert (answer["terminated"], answer["truncated"]) == (terminated, truncated)
        assert answer["info"] == {key: value for key, value in info.items() if key != "tools"}
        assert (answer["score"], answer["info"]["turn"]) == (info["score"], turn)
        total += answer["reward"]
        assert answer["returned"] == total.tolist()
    assert answer["info"]["tests"] == [
        {**test, "score": score} for test, score in zip(info["tests"], total, strict=True)
    ]
    env.close()


def test_a_scenario_is_solved_over_http(server, start, step):
    task = load_environment("debug_fix")
    session = start("debug_fix")
    script, total, answer = solver_of(task)(), np.zeros(len(task.tests)), None
    action = next(script)
    while answer is None or not answer["terminated"]:
        answer = step(session, action)
        total += answer["reward"]
        if not answer["terminated"]:
            action = script.send(answer["observation"])
    assert (answer["score"], answer["info"]["passed"], answer["info"]["status"]) == (1.0, True, "passed")
    assert total.tolist() == answer["returned"] == [1.0] * len(task.tests)
    state = server.get(f"/v1/sessions/{session['id']}")
    assert (state["terminated"], state["score"], state["turn"]) == (True, 1.0, answer["info"]["turn"])


def test_a_workspace_is_judged_after_every_turn_where_that_is_asked_for(start, step):
    session = start("debug_fix", dense=True)
    answer = step(session, bash("true"))
    assert answer["info"]["evaluated"]
    assert answer["info"]["status"] != "not_run"
    assert not step(start("debug_fix"), bash("true"))["info"]["evaluated"]


def test_after_its_turns_it_is_truncated(start, step):
    session = start(max_turns=2)
    assert not step(session, WRONG)["truncated"]
    last = step(session, WRONG)
    assert (last["truncated"], last["terminated"]) == (True, False)
    assert "the episode is over" in step(session, RIGHT, expect=409)["detail"]


def test_a_task_by_value(start, server, step):
    task = load_environment("reverse_string").model_copy(update={"id": "my_own"})
    session = server.post("/v1/sessions", {"task": to_text(task)}, 201)
    assert session["task_id"] == "my_own"
    assert step(session, RIGHT)["score"] == 1.0
    server.delete(f"/v1/sessions/{session['id']}")


def test_no_text_of_a_hidden_test_is_told(start, step):
    task = load_environment("reverse_string")
    hidden = [call.expected for test in task.tests if not test.public for call in test.calls]
    secrets = [str(value) for value in hidden if len(str(value)) > 6]
    assert secrets
    session = start()
    told = str(session) + str(step(session, WRONG)) + str(step(session, RIGHT))
    assert not [secret for secret in secrets if secret in told]


# ── names of turns ────────────────────────────────────────────────────────────────────────


def test_a_step_asked_for_again_is_answered_again(server, start, step):
    session = start("debug_fix")
    first = step(session, bash("echo x >> log; wc -l < log"), "one")
    assert step(session, bash("echo x >> log; wc -l < log"), "one") == first
    assert step(session, bash("wc -l < log"), "two")["observation"] == "1"
    assert step(session, {"arguments": {"command": "wc -l < log"}, "name": "bash"}, "two")["observation"] == "1"
    assert "another action" in step(session, bash("false"), "one", expect=409)["detail"]
    assert server.get(f"/v1/sessions/{session['id']}")["turn"] == 2


def test_twenty_requests_at_once_are_one_step(server, start, step):
    session = start("debug_fix")
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: step(session, bash("sleep 0.3; echo x >> log"), "same"), range(20)))
    assert all(answer == answers[0] for answer in answers)
    assert step(session, bash("wc -l < log"))["observation"] == "1"
    assert server.get(f"/v1/sessions/{session['id']}")["turn"] == 2


def test_different_steps_at_once_are_taken_one_after_the_other(start, step):
    session = start("debug_fix")
    count = bash("n=$(cat n 2>/dev/null || echo 0); sleep 0.02; echo $((n+1)) > n")
    with ThreadPoolExecutor(8) as pool:
        turns = list(pool.map(lambda _: step(session, count)["info"]["turn"], range(8)))
    assert sorted(turns) == list(range(1, 9))
    assert step(session, bash("cat n"))["observation"] == "8"


def test_a_step_goes_on_when_its_connection_breaks(server, start, step):
    session = start("debug_fix")
    request = {"step_id": "one", "action": bash("sleep 0.5; echo x >> log; echo done")}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{server.url}/v1/sessions/{session['id']}/steps", json=request, timeout=0.1)
    answer = step(session, request["action"], "one")
    assert (answer["observation"], answer["info"]["turn"]) == ("done", 1)
    assert step(session, bash("wc -l < log"))["observation"] == "1"


def test_answers_that_were_long_are_forgotten_and_their_names_are_not(monkeypatch, start, step):
    monkeypatch.setattr("deepgym_env.server.live.steps._KEPT", 1000)
    session = start("debug_fix")
    for name in "abc":
        step(session, bash("printf '%0600d' 0"), name)
    assert step(session, bash("printf '%0600d' 0"), "c")["info"]["turn"] == 3
    assert "isn't kept" in step(session, bash("printf '%0600d' 0"), "a", expect=409)["detail"]


# ── hostile actions ───────────────────────────────────────────────────────────────────────


def deep(levels, inner="x"):
    for _ in range(levels):
        inner = {"name": "bash", "arguments": {"command": inner}}
    return inner


@pytest.mark.parametrize("environment", ["reverse_string", "debug_fix"])
@pytest.mark.parametrize(
    "action",
    [
        "\ud800",
        {"name": "bash", "arguments": {"command": "echo \udcff"}},
        {"\ud800": "\udfff"},
        "x" * (1 << 20),
        {"name": "bash", "arguments": {"command": "x" * (1 << 20)}},
        deep(3),
        deep(60),
        {"role": "assistant", "tool_calls": [deep(2)] * 3},
        {"name": ["bash"], "arguments": [1]},
        {},
        "",
        "\0",
        {"name": "submit", "arguments": {"code": "\ud800 = 1"}},
    ],
    ids=lambda action: f"{action!a}"[:30],
)
def test_an_action_may_be_anything(start, step, environment, action):
    session = start(environment)
    answer = step(session, action, "name")
    assert answer["info"]["has_verdict"]
    assert answer == step(session, action, "name")


def test_what_is_no_request_is_refused(server, start):
    session = start()
    address = f"/v1/sessions/{session['id']}/steps"
    for body in (
        {"action": "x"},
        {"step_id": "", "action": "x"},
        {"step_id": "y" * 129, "action": "x"},
        {"step_id": "a", "action": 1},
        {"step_id": "a", "action": None},
        {"step_id": "a", "action": "x", "more": 1},
        [],
    ):
        assert server.send("POST", address, body).status_code == 422, body
    nested = "[" * 100_000 + "]" * 100_000
    answer = server.http.post(address, content=f'{{"step_id": "a", "action": {{"a": {nested}}}}}')
    assert 400 <= answer.status_code < 500
    assert server.get(f"/v1/sessions/{session['id']}")["turn"] == 0


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ({"environment": "reverse_strin"}, 404, "did you mean 'reverse_string'"),
        ({}, 422, "environment"),
        ({"environment": "two_sum", "task": "x"}, 422, "environment"),
        ({"task": "nonsense"}, 422, "no task"),
        ({"environment": "two_sum", "dense": True}, 422, "dense is for workspace tasks"),
        ({"environment": "two_sum", "max_turns": 0}, 422, "max_turns"),
        ({"environment": "two_sum", "seed": -1}, 422, "seed"),
        ({"environment": "../../etc"}, 404, "no task"),
    ],
)
def test_what_can_not_be_begun_is_refused(server, body, status, why):
    before = len(server.live.sessions._sessions)
    assert why in str(server.post("/v1/sessions", body, status))
    assert len(server.live.sessions._sessions) == before


# ── branches ──────────────────────────────────────────────────────────────────────────────


def test_an_episode_goes_back_to_a_snapshot_and_its_steps_with_it(server, start, step):
    session = start("debug_fix", dense=True)
    address = f"/v1/sessions/{session['id']}"
    first = step(session, bash("echo 1 > f; export A=1"), "1")
    kept = server.post(f"{address}/snapshot")["snapshot"]
    step(session, bash("rm -r *; export A=2"), "2")
    back = server.post(f"{address}/restore", {"snapshot": kept})
    assert (back["turn"], back["returned"], back["snapshots"]) == (1, first["returned"], [kept])
    assert step(session, bash("cat f; echo $A"), "2")["observation"] == "1\n1"  # another action under that name
    assert step(session, bash("echo 1 > f; export A=1"), "1") == first
    server.post(f"{address}/drop", {"snapshot": kept}, 204)
    for call in ("restore", "drop"):
        assert "no snapshot" in server.post(f"{address}/{call}", {"snapshot": kept}, 404)["detail"]


def test_an_episode_that_is_over_goes_on_from_a_snapshot(server, start, step):
    session = start()
    address = f"/v1/sessions/{session['id']}"
    kept = server.post(f"{address}/snapshot")["snapshot"]
    assert step(session, RIGHT)["terminated"]
    back = server.post(f"{address}/restore", {"snapshot": kept})
    assert (back["terminated"], back["score"], back["observation"]) == (False, 0.0, session["observation"])
    assert step(session, WRONG)["info"]["turn"] == 1


def test_a_fork_goes_its_own_way(server, start, step):
    session = start("debug_fix")
    step(session, bash("echo 1 > f"), "1")
    other = server.post(f"/v1/sessions/{session['id']}/fork", expect=201)
    assert other["id"] != session["id"]
    assert other["turn"] == 1
    assert step(other, bash("echo 1 > f"), "1")["info"]["turn"] == 1  # it knows that step
    step(other, bash("echo 2 > f"), "2")
    assert step(session, bash("cat f"), "2")["observation"] == "1"
    server.delete(f"/v1/sessions/{session['id']}")
    assert step(other, bash("cat f"))["observation"] == "2"
    server.delete(f"/v1/sessions/{other['id']}")


def test_a_session_begins_anew(server, start, step):
    session = start(max_turns=1)
    step(session, WRONG, "1")
    again = server.post(f"/v1/sessions/{session['id']}/reset", {"seed": 5})
    assert (again["seed"], again["turn"], again["truncated"], again["score"]) == (5, 0, False, 0.0)
    assert step(session, RIGHT, "1")["score"] == 1.0
    assert server.post(f"/v1/sessions/{session['id']}/reset")["seed"] == 5


def test_snapshots_end_with_their_session(own, server, start, step):
    async def sizes(engine):
        host = engine._executor.fleet._host
        runner = next(iter(host._sessions.values()))
        process = await next(iter(host._sessions)).exec("true")
        return runner.alive, process.code

    session = start("debug_fix")
    for _ in range(3):
        server.post(f"/v1/sessions/{session['id']}/snapshot")
    assert own.call(sizes) == (True, 0)
    server.delete(f"/v1/sessions/{session['id']}")
    server.get(f"/v1/sessions/{session['id']}", 404)
