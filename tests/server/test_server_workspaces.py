"""Bare workspaces over HTTP, by hand and as a distant session."""

from __future__ import annotations

import asyncio
import base64
import json
import threading

import httpx
import pytest
from live_server import keeping

from deepgym_env import load_environment
from deepgym_env.benchmarks.records import to_text
from deepgym_env.distant_session import DistantSession
from deepgym_env.errors import ClosedError, RefusedError, SandboxError, UnknownSessionError
from deepgym_env.remote.workspace_calls import error_of, received, sent
from deepgym_env.task import SessionLimits, StateTest, WorkspaceTask

JSON = {"content-type": "application/json"}
COUNTER = """
def handle(request, state):
    state["n"] = state.get("n", 0) + 1
    state["odd"] = [float("inf"), chr(0xD800)]
    return 200, state["n"]
"""


@pytest.fixture(scope="module")
def server(own, tmp_path_factory):
    with keeping(own, tmp_path_factory.mktemp("server"), session_ttl=900.0) as running:
        yield running


@pytest.fixture
def open_(server):
    """Opens workspaces, ended with the test."""
    opened = []

    def begin(expect=201, **options):
        answer = server.post("/v1/workspaces", options, expect)
        if expect == 201:
            opened.append(answer["id"])
        return answer

    yield begin
    for workspace in opened:
        server.delete(f"/v1/workspaces/{workspace}")


@pytest.fixture
def call(server):
    """Makes calls on a workspace."""

    def make(workspace, operation, expect=200, **body):
        return server.post(f"/v1/workspaces/{workspace['id']}/{operation}", body, expect)

    return make


CHECK = """
def test_t(workspace):
    assert workspace.text("a") == "1"


def test_u(workspace):
    assert workspace.run("cat a").stdout == "1"
"""


def toy(**fields):
    tests = (StateTest(id="t", public=True), StateTest(id="u"))
    defaults = {"id": "toy", "title": "Toy", "prompt": "Work.", "tests": tests, "check": CHECK}
    return WorkspaceTask(**{**defaults, **fields})


def text(contents):
    return base64.b64decode(contents["data"]).decode()


def kill_sandbox(server, workspace):
    (workspaces,) = server.live.workspaces._of_owners.values()
    process = workspaces._sessions[workspace["id"]].thing.runner._handle.process
    process.kill()
    process.wait()


# ── by hand ───────────────────────────────────────────────────────────────────────────────


def test_what_is_told_of_a_workspace(open_):
    told = open_(limits={"wall_seconds": 3.0})
    assert told["limits"] == SessionLimits(wall_seconds=3.0).model_dump()
    assert (told["expires_in"], told["isolation"]["level"]) == (900.0, "full")
    assert {layer["name"] for layer in told["isolation"]["layers"] if layer["active"]} >= {"namespaces", "seccomp"}
    assert len(told["id"]) >= 32
    assert open_(ttl=5.0)["expires_in"] == 5.0
    assert open_(ttl=1e9)["expires_in"] == 900.0


def test_commands_and_files(open_, call):
    held = open_(
        files=[
            {"path": "a/b", "text": "hello"},
            {"path": "run", "data": "IyEvYmluL3NoCmVjaG8gaGk=", "executable": True},
        ]
    )
    done = call(held, "exec", command="cat a/b; ./run; cat; exit 3", stdin=base64.b64encode(b"in").decode())
    assert (done["code"], done["stdout"], done["reason"], done["truncated"]) == (3, "hellohi\nin", None, False)
    assert call(held, "exec", command=["sh", "-c", "echo $A >&2"], env={"A": "b"}, merge=False)["stderr"] == "b\n"
    call(held, "write", 204, path="c", text="é\udcff")
    call(held, "write", 204, path="d", data="AAE=", executable=True)
    call(held, "edit", 204, path="a/b", old="ell", new="ipp")
    assert text(call(held, "read", path="a/b")) == "hippo"
    assert base64.b64decode(call(held, "read", path="c")["data"]) == b"\xc3\xa9\xff"
    assert base64.b64decode(call(held, "read", path="d")["data"]) == b"\0\1"
    listing = call(held, "list", depth=1)
    assert listing["complete"]
    assert [entry["path"] for entry in listing["entries"]] == ["a", "c", "d", "run"]
    call(held, "exec", command="touch $'\\xff'")
    assert "\udcff" in [entry["path"] for entry in call(held, "list")["entries"]]


def test_snapshots_and_forks(server, open_, call):
    held = open_()
    call(held, "exec", command="echo 1 > f; export A=2; cd /tmp")
    kept = call(held, "snapshot")
    other = call(held, "fork", 201)
    call(held, "exec", command="rm /workspace/f; export A=3")
    look = "cat /workspace/f; echo $A; pwd"
    resumed = server.post("/v1/workspaces/resume", kept, 201)
    call(held, "restore", 204, **kept)
    for each in (held, other, resumed):
        assert call(each, "exec", command=look)["stdout"] == "1\n2\n/tmp\n"
        assert each["limits"] == held["limits"]
    server.delete(f"/v1/workspaces/{other['id']}")
    server.delete(f"/v1/workspaces/{resumed['id']}")
    call(held, "drop", 204, **kept)
    for operation in ("restore", "drop"):
        assert "no snapshot" in call(held, operation, 404, **kept)["detail"]
    server.post("/v1/workspaces/resume", kept, 404)


def test_a_workspace_is_judged(open_, call):
    held = open_(environment="debug_fix")
    verdict = call(held, "judge", environment="debug_fix")
    task = load_environment("debug_fix")
    assert (verdict["has_verdict"], verdict["passed"]) == (True, False)
    assert [case["id"] for case in verdict["cases"]] == [test.id for test in task.tests]
    for case, test in zip(verdict["cases"], task.tests, strict=True):
        assert case["public"] == test.public
        assert test.public or not case["expected_summary"]
    public = [test.id for test in task.public_tests]
    assert [case["id"] for case in call(held, "judge", environment="debug_fix", tests=public)["cases"]] == public


def test_a_task_by_value(open_, call):
    task = toy(setup="printf 0 > a", service=COUNTER)
    held = open_(task=to_text(task))
    assert call(held, "judge", task=to_text(task))["score"] == 0.0
    call(held, "write", 204, path="a", text="1")
    verdict = call(held, "judge", task=to_text(task))
    assert (verdict["score"], verdict["passed"], verdict["task_id"]) == (1.0, True, "toy")
    call(held, "exec", command="curl -s $SERVICE_URL; curl -s $SERVICE_URL")
    assert call(held, "service_state")["state"] == {"n": 2, "odd": [float("inf"), "\ud800"]}
    assert call(held, "isolation")["level"] == "full"


@pytest.mark.parametrize(
    ("operation", "body", "why"),
    [
        ("read", {"path": "nothing"}, "No such file"),
        ("read", {"path": "../etc/passwd"}, ""),
        ("read", {"path": "a\0"}, "NUL"),
        ("read", {"path": "\ud800"}, "half a character"),
        ("exec", {"command": []}, "got nothing"),
        ("exec", {"command": 1}, "command"),
        ("exec", {"command": "\ud800"}, "half a character"),
        ("exec", {"command": "true", "stdin": "not base64"}, "base64"),
        ("exec", {"command": "true", "answering": 1}, "answering"),
        ("exec", {"command": "true", "limits": {"cpu_seconds": -1}}, "cpu_seconds"),
        ("edit", {"path": "nothing", "old": "a", "new": "b"}, "No such file"),
        ("write", {"path": "a"}, "text"),
        ("write", {"path": "a", "text": "a", "data": "YQ=="}, "text"),
        ("list", {"path": "nothing"}, "No such"),
        ("judge", {"environment": "two_sum"}, "no workspace task"),
        ("judge", {"environment": "debug_fix", "tests": ["none"]}, "none"),
        ("judge", {"environment": "debug_fix", "tests": []}, "at least 1 item"),
        ("judge", {"task": "nonsense"}, "no task"),
        ("judge", {}, "environment"),
    ],
)
def test_what_can_not_be_done_is_refused_and_changes_nothing(open_, call, operation, body, why):
    held = open_()
    assert why in str(call(held, operation, 422, **body))
    assert call(held, "list")["entries"] == []


def test_what_can_not_be_opened_is_refused(server):
    for body, status in (
        ({"environment": "two_sum"}, 422),
        ({"environment": "nothing"}, 404),
        ({"environment": "debug_fix", "files": [{"path": "a", "text": ""}]}, 422),
        ({"environment": "debug_fix", "task": "x"}, 422),
        ({"files": [{"path": "../a", "text": ""}]}, 422),
        ({"files": [{"path": "a"}]}, 422),
        ({"ttl": 0}, 422),
        ({"task": to_text(toy(setup="echo broken; exit 3"))}, 422),
    ):
        assert server.send("POST", "/v1/workspaces", body).status_code == status, body
    assert server.post("/v1/workspaces/x/exec", {"command": "true"}, 404)["detail"].startswith("no session 'x'")


def test_a_lost_sandbox_is_gone_and_the_next_workspace_works(open_, call, server):
    held = open_()
    kept = call(held, "snapshot")
    threading.Timer(0.2, kill_sandbox, [server, held]).start()
    call(held, "exec", 410, command="sleep 100")
    call(held, "exec", 410, command="true")
    server.post("/v1/workspaces/resume", kept, 410)
    verdict = call(held, "judge", environment="debug_fix")
    assert (verdict["has_verdict"], verdict["score"], verdict["status"]) == (False, None, "infrastructure_error")
    assert call(open_(), "exec", command="echo on")["stdout"] == "on\n"


def test_a_command_whose_client_left_is_ended_and_the_workspace_goes_on(server, open_, call):
    held = open_(limits={"wall_seconds": 100.0})
    body = {"command": "echo 1 > f; sleep 60; echo 2 > f"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{server.url}/v1/workspaces/{held['id']}/exec", json=body, timeout=0.5)
    assert call(held, "exec", command="cat f 2> /dev/null")["stdout"] in ("", "1\n")


# ── as a distant session ──────────────────────────────────────────────────────────────────


class Remote:
    """What a client's executor does: a session's calls as requests."""

    def __init__(self, url):
        self.http = httpx.AsyncClient(base_url=url, timeout=60)

    async def ask(self, operation, arguments):
        named = arguments.get("session")
        if operation == "close":
            answer = await self.http.delete(f"/v1/workspaces/{named}")
        else:
            path = "/v1/workspaces/resume" if operation == "resume" else f"/v1/workspaces/{named}/{operation}"
            answer = await self.http.post(path, content=json.dumps(sent(operation, arguments)), headers=JSON)
        if answer.is_error:
            raise error_of(answer.status_code, answer.json()["detail"]) or AssertionError(answer.text)
        return received(operation, answer.json()) if answer.content else None

    async def session(self, **options):
        told = (await self.http.post("/v1/workspaces", json=options)).json()
        return DistantSession(told["id"], SessionLimits(**told["limits"]), self.ask, home=self)


def test_a_distant_session_over_http(server):
    async def main():
        remote = Remote(server.url)
        async with remote.http, await remote.session(limits={"wall_seconds": 9.0}) as session:
            await session.write("a", b"\0\xff")
            await session.write("b", "text\udcff")
            assert await session.read("a") == b"\0\xff"
            await session.exec("touch $'\\xfe'; export A=1")
            entries, complete = await session.list()
            assert [entry.path for entry in entries] == ["a", "b", "\udcfe"]
            assert complete
            done = await session.exec(["cat"], stdin=b"in", merge=False, limits=SessionLimits(cpu_seconds=1.0))
            assert (done.stdout, done.written, done.reason) == ("in", (2, 0), None)
            kept = await session.snapshot()
            async with await session.fork() as branch, await DistantSession.resumed(kept, remote.ask) as again:
                await session.exec("rm -f *; export A=2")
                for each in (branch, again):
                    assert (await each.exec("ls | wc -l; echo $A")).stdout == "3\n1\n"
                    assert each.limits.wall_seconds == 9.0
            await session.restore(kept)
            await session.edit("b", "te", "ne")
            assert await session.read("b") == b"next\xff"
            await session.drop(kept)
            with pytest.raises(SandboxError, match="was dropped"):
                await DistantSession.resumed(kept, remote.ask)
            for wrong in (session.read("nothing"), session.exec([]), session.write("\ud800", "")):
                with pytest.raises(RefusedError):
                    await wrong
            await remote.http.delete(f"/v1/workspaces/{session.id}")
            with pytest.raises(ClosedError, match="no session"):
                await session.exec("true")

    asyncio.run(main())


def test_what_answers_mean():
    assert isinstance(error_of(404, "x"), UnknownSessionError)
    assert error_of(500, "x") is error_of(503, "x") is None
