"""Episodes over HTTP: turns, names of turns, branches, owners, and their end."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from fastapi import HTTPException
from live_server import keeping

from deepgym_env import DeepGym, load_environment
from deepgym_env.benchmarks.records import to_text
from deepgym_env.envs import CodingEnv
from deepgym_env.episodes import read_episodes, replay
from deepgym_env.errors import ClosedError, RefusedError, SandboxError, UnknownSessionError
from deepgym_env.remote.wire_sessions import StartSession
from deepgym_env.server.live.running import sessions_running
from deepgym_env.server.services import Services
from deepgym_env.server.settings import Settings
from deepgym_env.server.store.database import Database
from deepgym_env.server.store.keys import KeyStore
from deepgym_env.trials import solver_of

RIGHT = "def reverse_string(s):\n    return s[::-1]"
WRONG = "def reverse_string(s):\n    return s"


@pytest.fixture(scope="module")
def server(own, tmp_path_factory):
    with keeping(own, tmp_path_factory.mktemp("server"), max_sessions=64) as running:
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


def test_a_step_that_failed_is_not_taken_again(server, step):
    """The task's checker is broken, which is nobody's doing; what the step did is done."""
    task = load_environment("debug_fix").model_copy(update={"check": "def nothing(:"})
    session = server.post("/v1/sessions", {"task": to_text(task), "dense": True}, 201)
    for _ in range(2):
        step(session, bash("echo x >> log"), "1", expect=422)
    kept = server.live.sessions._sessions[session["id"]]._episode.session
    assert server.services.engine.call(lambda _: kept.read("log")) == b"x\n"
    server.delete(f"/v1/sessions/{session['id']}")


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
        {"step_id": "\ud800", "action": "x"},
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
    assert server.http.post(f"/v1/sessions/{session['id']}/reset").json()["seed"] == 5  # without a body


def test_snapshots_end_with_their_session(own, server, start):
    session = start("debug_fix")
    for _ in range(3):
        server.post(f"/v1/sessions/{session['id']}/snapshot")
    held = server.live.sessions._sessions[session["id"]]
    kept = [snapshot.episode.session for snapshot in held._snapshots.values()]
    server.delete(f"/v1/sessions/{session['id']}")
    server.get(f"/v1/sessions/{session['id']}", 404)
    for each in kept:
        with pytest.raises(RefusedError, match="No such file"):
            own.call(lambda engine, each=each: engine.resume(each))


# ── what fails ────────────────────────────────────────────────────────────────────────────


def test_a_sandbox_killed_under_a_step_is_made_up_for(server, start, step):
    session = start("debug_fix")
    step(session, bash("echo 1 > f; export A=kept"))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(step, session, bash("sleep 0.3; cat f; echo $A"))
        episode = server.live.sessions._sessions[session["id"]]._episode
        while not episode.session.busy:
            time.sleep(0.005)
        kill_sandbox(server, session)
        answer = answer.result()
    assert (answer["observation"], answer["truncated"]) == ("1\nkept", False)
    assert answer["info"]["has_verdict"]


def test_an_infrastructure_failure_is_no_verdict(server, start, step):
    """What was shown can't be shown again, so a new sandbox is not where the old one was."""
    session = start("debug_fix", dense=True)
    before = step(session, bash("date +%N"))
    kill_sandbox(server, session)
    answer = step(session, bash("true"), "lost")
    assert (answer["truncated"], answer["terminated"], answer["score"]) == (True, False, None)
    assert (answer["info"]["has_verdict"], answer["info"]["score"]) == (False, None)
    assert answer["reward"] == [0.0] * len(before["reward"])
    assert answer["returned"] == before["returned"]
    assert step(session, bash("true"), "lost") == answer
    state = server.get(f"/v1/sessions/{session['id']}")
    assert (state["score"], state["truncated"]) == (None, True)
    step(session, bash("true"), expect=409)
    assert server.post(f"/v1/sessions/{session['id']}/reset")["score"] == 0.0
    assert step(session, bash("echo on"))["observation"] == "on"


def test_an_engine_without_sandboxes_gives_no_verdict(tmp_path):
    class Broken:
        """A place that never has a sandbox."""

        name = "broken"

        def start(self):
            raise SandboxError("there is no room")

        def for_sessions(self):
            return self

    with contextlib.ExitStack() as stack:
        dg = stack.enter_context(DeepGym(backend=Broken(), workers=1, retries=0))
        server = stack.enter_context(keeping(dg, tmp_path))
        session = server.post("/v1/sessions", {"environment": "reverse_string"}, 201)
        answer = server.post(f"/v1/sessions/{session['id']}/steps", {"step_id": "1", "action": RIGHT})
        assert (answer["truncated"], answer["score"], set(answer["reward"])) == (True, None, {0.0})
        assert not answer["info"]["has_verdict"]


# ── owners, room and time ─────────────────────────────────────────────────────────────────


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def in_process(own, tmp_path, ask, *, clock=None, **settings):
    """Run ``ask(live)`` where what a server keeps is kept, without HTTP."""

    async def main():
        database = Database(f"sqlite:///{tmp_path}/a.db")
        services = Services(Settings(**settings), own, database)
        async with sessions_running(services, clock=clock or time.monotonic) as live:
            await ask(live)
        database.close()
        return live

    return asyncio.run(main())


def test_an_episode_nobody_asks_for_is_ended(own, tmp_path):
    clock = Clock()

    async def ask(live):
        first = await live.sessions.start("me", StartSession(environment="debug_fix"))
        second = await live.sessions.start("me", StartSession(environment="reverse_string"))
        clock.now = 9.0
        live.sessions.get("me", first.id)
        clock.now = 11.0
        with pytest.raises(UnknownSessionError, match="ended, or never begun"):
            live.sessions.get("me", second.id)
        assert live.sessions.of("me") == [first]
        assert await live.sweep() == 1
        assert live.sessions.state(live.sessions.get("me", first.id)).expires_in == 10.0
        working = asyncio.ensure_future(first.step("1", bash("sleep 0.2; echo done")))
        await asyncio.sleep(0.01)
        clock.now = 1e6
        assert await live.sweep() == 0  # what is at work is not idle
        assert (await working).observation == "done"
        assert await live.sweep() == 0  # nor what has just been at work
        again = await live.sessions.get("me", first.id).step("1", bash("sleep 0.2; echo done"))
        assert again.observation == "done"
        clock.now += 11.0
        assert await live.sweep() == 1

    in_process(own, tmp_path, ask, clock=clock, session_ttl=10.0)


def test_everything_ends_with_the_server(own, tmp_path):
    async def ask(live):
        session = await live.sessions.start("me", StartSession(environment="debug_fix"))
        await live.workspaces.perform("me", "open", {})
        ask.held = session
        ask.working = asyncio.ensure_future(session.step("1", bash("sleep 100")))
        while not session._episode.session.busy:
            await asyncio.sleep(0.01)

    live = in_process(own, tmp_path, ask)
    assert live.held().total() == 0
    assert not own.call(_sessions_of)
    with pytest.raises(ClosedError, match="going down"):
        ask.working.result()


def test_a_session_that_is_ended_ends_the_step_under_way(server, start, step):
    session = start("debug_fix")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(step, session, bash("sleep 100"), expect=404)
        while not server.live.sessions._sessions[session["id"]]._episode.session.busy:
            time.sleep(0.005)
        state = server.get(f"/v1/sessions/{session['id']}")
        assert (state["turn"], state["observation"]) == (0, session["observation"])  # where it was before
        server.delete(f"/v1/sessions/{session['id']}")
        assert "was ended" in answer.result()["detail"]


def test_what_takes_longer_than_the_drain_is_given_up(own, tmp_path):
    with keeping(own, tmp_path, drain_seconds=0.0) as other, ThreadPoolExecutor(2) as pool:
        session = other.post("/v1/sessions", {"environment": "debug_fix"}, 201)
        workspace = other.post("/v1/workspaces", {}, 201)
        step = {"step_id": "1", "action": bash("sleep 100")}
        answers = [
            pool.submit(other.post, f"/v1/sessions/{session['id']}/steps", step, 503),
            pool.submit(other.post, f"/v1/workspaces/{workspace['id']}/exec", {"command": "sleep 100"}, 503),
        ]
        while sum(each.busy for each in own.call(_sessions_of)) < 2:
            time.sleep(0.01)
        other.services.drain.begin()
        for answer in answers:
            assert "going down" in answer.result()["detail"]


async def _sessions_of(engine):
    return list(engine._executor.fleet._host._sessions)


def test_there_are_as_many_as_may_be_and_one_key_has_its_share(own, tmp_path):
    async def ask(live):
        start = StartSession(environment="reverse_string")
        opening = [live.sessions.start("me", start) for _ in range(5)]
        got = await asyncio.gather(*opening, return_exceptions=True)
        refused = [each for each in got if isinstance(each, HTTPException)]
        assert [(each.status_code, each.headers["Retry-After"]) for each in refused] == [(429, "5")] * 2
        with pytest.raises(HTTPException) as error:  # workspaces count too
            await live.workspaces.perform("me", "open", {})
        assert error.value.status_code == 429
        await live.workspaces.perform("you", "open", {})
        for call in (live.sessions.start("you", start), live.workspaces.perform("they", "open", {})):
            with pytest.raises(HTTPException) as error:
                await call
            assert error.value.status_code == 503
        await live.sessions.end(live.sessions.of("me")[0])
        await live.sessions.fork(live.sessions.of("me")[0])
        assert live.held() == {"me": 3, "you": 1}

    in_process(own, tmp_path, ask, max_sessions=4)


def test_another_owner_sees_nothing(own, tmp_path):
    async def ask(live):
        mine = await live.sessions.start("me", StartSession(environment="reverse_string"))
        workspace = await live.workspaces.perform("me", "open", {})
        kept = await live.workspaces.perform("me", "snapshot", {"session": workspace})
        with pytest.raises(UnknownSessionError):
            live.sessions.get("you", mine.id)
        assert live.sessions.of("you") == []
        for operation, arguments in (
            ("exec", {"session": workspace, "command": "true"}),
            ("describe", {"session": workspace}),
            ("resume", {"snapshot": kept}),
        ):
            with pytest.raises(UnknownSessionError):
                await live.workspaces.perform("you", operation, arguments)
        await live.workspaces.perform("you", "close", {"session": workspace})
        assert (await live.workspaces.perform("me", "exec", {"session": workspace, "command": "echo on"})).code == 0

    in_process(own, tmp_path, ask)


def test_many_sessions_need_no_threads(own, tmp_path):
    async def ask(live):
        before = threading.active_count()
        start = StartSession(environment="reverse_string")
        sessions = await asyncio.gather(*(live.sessions.start("", start) for _ in range(300)))
        answers = await asyncio.gather(*(session.step("1", "no code") for session in sessions))
        assert len({answer.model_dump_json() for answer in answers}) == 1
        judged = await asyncio.gather(*(session.step("2", WRONG) for session in sessions[:20]))
        assert len({answer.model_dump_json() for answer in judged}) == 1
        assert threading.active_count() - before < 40

    in_process(own, tmp_path, ask)


def test_keys_keep_their_sessions_apart(own, tmp_path):
    database = Database(f"sqlite:///{tmp_path}/deepgym.db")
    mine, yours, reader = [
        {"authorization": f"Bearer {KeyStore(database).create(scope, [scope])}"} for scope in ("run", "run", "read")
    ]
    database.close()
    with keeping(own, tmp_path) as server:
        start = {"environment": "reverse_string"}
        session = server.post("/v1/sessions", start, 201, mine)["id"]
        workspace = server.post("/v1/workspaces", {}, 201, mine)["id"]
        kept = server.post(f"/v1/workspaces/{workspace}/snapshot", {}, 200, mine)
        server.get(f"/v1/sessions/{session}", 404, yours)
        server.get(f"/v1/sessions/{session}", 401)
        server.get(f"/v1/sessions/{session}", 403, reader)
        server.post("/v1/sessions", start, 401)
        server.post("/v1/workspaces", {}, 403, reader)
        assert server.get("/v1/sessions", 200, yours) == {"sessions": []}
        step = {"step_id": "1", "action": RIGHT}
        server.post(f"/v1/sessions/{session}/steps", step, 404, yours)
        for call in ("reset", "snapshot", "fork"):
            server.post(f"/v1/sessions/{session}/{call}", {}, 404, yours)
        server.delete(f"/v1/sessions/{session}", 404, yours)
        server.post(f"/v1/workspaces/{workspace}/exec", {"command": "true"}, 404, yours)
        server.post("/v1/workspaces/resume", kept, 404, yours)
        server.delete(f"/v1/workspaces/{workspace}", 204, yours)  # as one that is over
        assert server.post(f"/v1/workspaces/{workspace}/exec", {"command": "echo on"}, 200, mine)["stdout"] == "on\n"
        assert server.post(f"/v1/sessions/{session}/steps", step, 200, mine)["score"] == 1.0
        assert [each["id"] for each in server.get("/v1/sessions", 200, mine)["sessions"]] == [session]
        assert "deepgym_sessions 2.0" in server.http.get("/metrics", headers=reader).text


# ── the log ───────────────────────────────────────────────────────────────────────────────


def test_episodes_that_are_over_are_written_and_replay(own, tmp_path):
    with keeping(own, tmp_path, runs=tmp_path / "runs") as server:

        def run(actions, seed=0, **options):
            session = server.post("/v1/sessions", {"environment": "reverse_string", "seed": seed, **options}, 201)
            for number, action in enumerate(actions):
                server.post(f"/v1/sessions/{session['id']}/steps", {"step_id": str(number), "action": action})
            return session["id"]

        run([WRONG, RIGHT], seed=3)
        run([WRONG], max_turns=1)
        branch = run([WRONG])
        other = server.post(f"/v1/sessions/{branch}/fork", expect=201)["id"]
        server.post(f"/v1/sessions/{other}/steps", {"step_id": "x", "action": RIGHT})
        server.delete(f"/v1/sessions/{branch}")
        again = run([WRONG])
        server.post(f"/v1/sessions/{again}/reset")
        run([])  # of no turns: not written
        run([WRONG])  # cut off by the server's end
    log = tmp_path / "runs" / "sessions.jsonl"
    episodes = list(read_episodes(log))
    assert [(each.end, len(each.turns), each.score) for each in episodes] == [
        ("terminated", 2, 1.0),
        ("truncated", 1, episodes[1].score),
        ("terminated", 2, 1.0),
        ("closed", 1, episodes[1].score),
        ("reset", 1, episodes[1].score),
        ("closed", 1, episodes[1].score),
    ]
    assert episodes[0].task_seed == 3
    for each in episodes:
        assert replay(each).status == "equal"
