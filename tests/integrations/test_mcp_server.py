"""``deepgym mcp`` and the SDK's own client: over stdio as its child, and over streamable HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("mcp_types", reason="the SDK of version 2, which environments of integrations can't have")
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError

from deepgym_env import DeepGym, load_environment
from deepgym_env.catalog import folder_of
from deepgym_env.envs import CodingEnv, tools_of
from deepgym_env.errors import ConfigError, UnknownTaskError
from deepgym_env.integrations.live import LiveEpisodes
from deepgym_env.integrations.mcp import create_mcp_app, create_mcp_server
from deepgym_env.integrations.mcp_episodes import TaskEpisodes

RIGHT = "def reverse_string(s): return s[::-1]"
PART = "def reverse_string(s): return s"
COMMAND = [sys.executable, "-m", "deepgym_env.cli", "mcp"]
MODES = ["auto", "legacy"]
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}},
}


def child(*arguments: str) -> Any:
    """Return a transport to a server that the client starts."""
    return stdio_client(
        StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], *arguments], env=dict(os.environ))
    )


def text_of(result: Any) -> str:
    (content,) = result.content
    said: str = content.text
    return said


async def solve_function(client: Client) -> None:
    """Try, and solve ``reverse_string``."""
    ran = await client.call_tool("run_code", {"code": "print(6 * 7)"})
    assert (text_of(ran), ran.is_error, ran.structured_content["reward"]) == ("42", False, 0.0)
    part = await client.call_tool("submit", {"code": PART})
    assert not part.is_error
    assert 0 < part.structured_content["score"] < 1
    right = await client.call_tool("submit", {"code": RIGHT})
    data = right.structured_content
    assert (data["passed"], data["score"], data["over"], data["turn"]) == (True, 1.0, True, 3)
    assert sum(one.structured_content["reward"] for one in (ran, part, right)) == pytest.approx(1.0)
    assert set(right.meta["deepgym/tests"].values()) == {1.0}


async def solve_workspace(client: Client) -> Any:
    """Do what the task's own scripted agent does; return what its last call gave."""
    folder = folder_of("debug_fix")
    assert folder is not None
    agent = runpy.run_path(str(folder / "solve.py"))["solve"]()
    action = next(agent)
    while True:
        done = await client.call_tool(action["name"], action["arguments"])
        assert not done.is_error
        try:
            action = agent.send(text_of(done))
        except StopIteration:
            return done


@contextlib.contextmanager
def spawned(*arguments: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Start the command; it is gone at the end."""
    process = subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.PIPE, text=True, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


@pytest.fixture
def url(served: Callable[[Any], httpx.Client]) -> Callable[..., str]:
    """Serves a task; returns the URL."""

    def serve(task: Any, **options: Any) -> str:
        return f"{served(create_mcp_app(task, **options)).base_url}/mcp"

    return serve


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks of the environments closed so far."""
    seen: list[str] = []
    close = CodingEnv.close

    def watched(env: CodingEnv) -> None:
        close(env)
        seen.append(env.task.id)

    monkeypatch.setattr(CodingEnv, "close", watched)
    return seen


# ── over stdio ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mode", MODES)
def test_a_function_over_stdio(mode: str) -> None:
    task = load_environment("reverse_string")

    async def play() -> None:
        async with Client(child("reverse_string"), mode=mode) as client:
            assert client.instructions is not None
            assert task.prompt in client.instructions
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert list(tools) == [*(tool.name for tool in tools_of(task)), "reset"]
            for tool in tools_of(task):
                assert tools[tool.name].input_schema == tool.parameters
                assert tools[tool.name].description == tool.description
            (prompt,) = (await client.list_prompts()).prompts
            (message,) = (await client.get_prompt(prompt.name)).messages
            assert message.content.text == task.prompt
            (resource,) = (await client.list_resources()).resources
            (read,) = (await client.read_resource(resource.uri)).contents
            assert (resource.uri, read.text) == ("deepgym://tasks/reverse_string", task.prompt)
            await solve_function(client)

    asyncio.run(play())


def test_a_workspace_over_stdio(own: DeepGym) -> None:
    async def play() -> None:
        async with Client(child("debug_fix")) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            assert names == [*(tool.name for tool in tools_of(load_environment("debug_fix"))), "reset"]
            assert "stats.py" in text_of(await client.call_tool("bash", {"command": "cd tests; ls .."}))
            assert text_of(await client.call_tool("bash", {"command": "pwd"})) == "/workspace/tests"
            missing = await client.call_tool("read_file", {"path": "nothing"})
            assert text_of(missing).startswith("Error: ")
            await client.call_tool("bash", {"command": "cd .."})
            done = await solve_workspace(client)
            assert (done.structured_content["passed"], done.structured_content["over"]) == (True, True)
            assert "The episode is over" in text_of(done)

    asyncio.run(play())


def test_nothing_but_protocol_is_on_stdout() -> None:
    call = {"name": "run_code", "arguments": {"code": "print('hello')"}}
    lines = [
        json.dumps(HELLO),
        "no message at all",
        json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        json.dumps({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}),
    ]
    with spawned("reverse_string", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write("\n".join(lines) + "\n")
        server.stdin.flush()
        said = []
        while not said or said[-1].get("id") != 2:
            said.append(json.loads(server.stdout.readline()))
        server.stdin.close()
        said += [json.loads(line) for line in server.stdout]
        assert server.wait(30) == 0
    assert {one["jsonrpc"] for one in said} == {"2.0"}
    assert [one["result"]["content"][0]["text"] for one in said if one.get("id") == 2] == ["hello"]


def test_messages_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "said").write_text(json.dumps(HELLO))  # and no line break at the end
    with (tmp_path / "said").open() as said, spawned("two_sum", stdin=said, stdout=subprocess.PIPE) as server:
        told, _ = server.communicate(timeout=60)
        assert server.returncode == 0
    assert json.loads(told)["result"]["serverInfo"]["name"] == "deepgym"


@pytest.mark.parametrize("how", ["closes its end", "Ctrl-C", "is killed"])
def test_sandboxes_go_with_the_server(own: DeepGym, processes: Any, how: str) -> None:
    call = {"name": "bash", "arguments": {"command": "echo begun; sleep 60"}}
    ready = {"name": "bash", "arguments": {"command": "echo begun"}}
    with spawned("debug_fix", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        for number, arguments in enumerate((ready, call), 2):
            asked = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": arguments}
            first = f"{json.dumps(HELLO)}\n{json.dumps({'jsonrpc': '2.0', 'method': 'notifications/initialized'})}\n"
            server.stdin.write((first if number == 2 else "") + json.dumps(asked) + "\n")
            server.stdin.flush()
            while number == 2 and json.loads(server.stdout.readline()).get("id") != 2:
                pass
        deadline = time.monotonic() + 30
        while not (running := processes.below(server.pid)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert running
        if how == "closes its end":
            server.stdin.close()
            assert server.wait(30) == 0
        elif how == "Ctrl-C":
            server.send_signal(signal.SIGINT)
            assert server.wait(30) == 130
        else:
            server.kill()
            server.wait(30)
        assert processes.survivors(running) == []


# ── over HTTP ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mode", MODES)
def test_a_function_over_http(url: Callable[..., str], engine: DeepGym, mode: str) -> None:
    async def play() -> None:
        async with Client(url("reverse_string", engine=engine), mode=mode) as client:
            await solve_function(client)

    asyncio.run(play())


def test_sessions_have_a_workspace_each(url: Callable[..., str], own: DeepGym) -> None:
    at = url("debug_fix", engine=own)

    async def play() -> None:
        async with Client(at) as first, Client(at) as second:
            names = {"first": first, "second": second}
            writing = [one.call_tool("bash", {"command": f"echo {name} > mine"}) for name, one in names.items()]
            await asyncio.gather(*writing)
            reading = [one.call_tool("bash", {"command": "cat mine"}) for one in names.values()]
            assert [text_of(seen) for seen in await asyncio.gather(*reading)] == ["first", "second"]
            solved, unsolved = await asyncio.gather(solve_workspace(first), second.call_tool("submit", {}))
            assert (solved.structured_content["passed"], unsolved.structured_content["passed"]) == (True, False)
            assert unsolved.structured_content["turn"] == 3

    asyncio.run(play())


def test_a_session_that_is_deleted_takes_its_episode_along(
    url: Callable[..., str], own: DeepGym, closed: list[str]
) -> None:
    at = url("debug_fix", engine=own)

    async def play() -> None:
        async with Client(at) as client:
            await client.call_tool("bash", {"command": "ls"})
            assert closed == []
        assert closed == ["debug_fix"]

    asyncio.run(play())


def test_calls_of_a_session_are_turns_one_after_the_other(url: Callable[..., str], engine: DeepGym) -> None:
    async def play() -> None:
        async with Client(url("reverse_string", engine=engine)) as client:
            calls = [client.call_tool("run_code", {"code": f"print({number})"}) for number in range(4)]
            done = await asyncio.gather(*calls)
            assert [text_of(one) for one in done] == ["0", "1", "2", "3"]
            assert sorted(one.structured_content["turn"] for one in done) == [1, 2, 3, 4]

    asyncio.run(play())


def test_a_version_without_sessions_is_told_to_open_one(url: Callable[..., str], engine: DeepGym) -> None:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "0"},
    }
    call = {"name": "run_code", "arguments": {"code": "print(1)"}, "_meta": meta}
    answer = httpx.post(
        url("reverse_string", engine=engine),
        json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call},
        headers={
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2026-07-28",
            "mcp-method": "tools/call",
            "mcp-name": "run_code",
        },
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, -32022)
    assert "2025-11-25" in error["data"]["supported"]
    assert "2026-07-28" not in error["data"]["supported"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"host": "evil.example"}, 421), ({"origin": "http://evil.example"}, 403), ({"origin": "http://localhost"}, 200)],
)
def test_pages_of_others_do_not_reach_it(
    url: Callable[..., str], engine: DeepGym, headers: dict[str, str], status: int
) -> None:
    accepted = {"accept": "application/json, text/event-stream", **headers}
    assert httpx.post(url("two_sum", engine=engine), json=HELLO, headers=accepted).status_code == status


def test_where_it_is_reached_from_elsewhere_names_are_not_held_against_it(
    url: Callable[..., str], engine: DeepGym
) -> None:
    headers = {"accept": "application/json, text/event-stream", "host": "training.example"}
    at = url("two_sum", engine=engine, host="0.0.0.0")
    assert httpx.post(at, json=HELLO, headers=headers).status_code == 200


def test_more_sessions_than_there_may_be(url: Callable[..., str], engine: DeepGym) -> None:
    at = url("reverse_string", engine=engine, capacity=1)

    async def play() -> None:
        async with Client(at) as second:
            async with Client(at) as first:
                assert not (await first.call_tool("run_code", {"code": "print(1)"})).is_error
                refused = await second.call_tool("run_code", {"code": "print(1)"})
                assert refused.is_error
                assert "the most there may be" in text_of(refused)
            assert not (await second.call_tool("run_code", {"code": "print(1)"})).is_error

    asyncio.run(play())


# ── episodes ──────────────────────────────────────────────────────────────────────────────


@contextlib.asynccontextmanager
async def beside(task: Any, **options: Any) -> AsyncIterator[Client]:
    """A client of a server in this process."""
    async with Client(create_mcp_server(task, **options), mode="legacy") as client:
        yield client


def test_after_its_end_an_episode_says_how_to_begin_another(engine: DeepGym) -> None:
    async def play() -> None:
        async with beside("reverse_string", max_turns=2, engine=engine) as client:
            await client.call_tool("submit", {"code": PART})
            last = await client.call_tool("run_code", {"code": "print(1)"})
            assert last.structured_content["over"]
            assert last.structured_content["observation"] == text_of(last)
            assert text_of(last) == "1\n\n[The episode is over. Call `reset` to begin another.]"
            more = await client.call_tool("submit", {"code": RIGHT})
            assert (more.is_error, more.structured_content["turn"]) == (True, 2)
            assert 0 < more.structured_content["score"] < 1
            anew = await client.call_tool("reset", {})
            assert text_of(anew).startswith(load_environment("reverse_string").prompt.rstrip())
            assert text_of(anew).endswith("[A new episode has begun. It has 2 turns.]")
            assert (anew.structured_content["turn"], anew.structured_content["score"]) == (0, 0.0)
            assert (await client.call_tool("submit", {"code": RIGHT})).structured_content["passed"]

    asyncio.run(play())


def test_once_means_once(engine: DeepGym) -> None:
    async def play() -> None:
        async with beside("reverse_string", max_turns=1, once=True, engine=engine) as client:
            assert "reset" not in [tool.name for tool in (await client.list_tools()).tools]
            assert "reset" not in (client.instructions or "")
            over = await client.call_tool("submit", {"code": PART})
            assert text_of(over).endswith("[The episode is over. There is no other.]")
            assert (await client.call_tool("submit", {"code": RIGHT})).is_error
            with pytest.raises(MCPError, match="no tool 'reset'"):
                await client.call_tool("reset", {})

    asyncio.run(play())


def test_what_is_wrong_with_a_call(engine: DeepGym) -> None:
    async def play() -> None:
        async with beside("reverse_string", engine=engine) as client:
            wrong = await client.call_tool("submit", {"cod": RIGHT})
            assert wrong.is_error
            assert "it has no argument 'cod' (did you mean 'code'?)" in text_of(wrong)
            assert wrong.structured_content["turn"] == 1
            with pytest.raises(MCPError, match=r"no tool 'sumbit' \(did you mean 'submit'\?\)"):
                await client.call_tool("sumbit", {"code": RIGHT})
            with pytest.raises(MCPError, match="no prompt 'tasks'"):
                await client.get_prompt("tasks")
            with pytest.raises(MCPError, match="there is 'deepgym://tasks/reverse_string'"):
                await client.read_resource("deepgym://tasks/two_sum")

    asyncio.run(play())


def test_an_infrastructure_failure_is_an_error_without_a_verdict(nowhere: DeepGym) -> None:
    async def play() -> None:
        async with beside("reverse_string", engine=nowhere) as client:
            lost = await client.call_tool("submit", {"code": RIGHT})
            data = lost.structured_content
            assert lost.is_error
            assert "there is no verdict" in text_of(lost)
            assert (data["has_verdict"], data["score"], data["reward"], data["over"]) == (False, None, None, True)

    asyncio.run(play())


def test_hidden_tests_are_only_counted(engine: DeepGym) -> None:
    task = load_environment("reverse_string")
    hidden = [call.args[0] for test in task.tests if not test.public for call in test.calls if len(call.args[0]) > 3]
    assert hidden

    async def play() -> None:
        async with beside("reverse_string", engine=engine) as client:
            told = await client.call_tool("submit", {"code": "def reverse_string(s): return s + 'x'"})
            said = told.model_dump_json()
            for text in hidden:
                assert json.dumps(text)[1:-1] not in said
            assert set(told.meta["deepgym/tests"]) == {test.id for test in task.tests}
            read_by_models = json.dumps([told.structured_content, [block.text for block in told.content]])
            assert not any(test.id in read_by_models for test in task.tests if not test.public)

    asyncio.run(play())


def test_an_episode_that_nobody_called_for_too_long_is_missed(engine: DeepGym) -> None:
    now = 0.0
    with LiveEpisodes(ttl=10, engine=engine, clock=lambda: now) as live:
        episodes = TaskEpisodes(live, load_environment("reverse_string"))
        assert not episodes.call("a", "run_code", {"code": "print(1)"}).failed
        now = 11.0
        assert not episodes.call("b", "run_code", {"code": "print(1)"}).failed
        gone = episodes.call("a", "run_code", {"code": "print(1)"})
        assert (gone.failed, gone.data) == (True, None)
        assert "nobody called for too long. Call `reset`" in gone.text
        assert not episodes.reset("a").failed
        assert not episodes.call("a", "run_code", {"code": "print(1)"}).failed


def test_more_clients_than_there_may_be(engine: DeepGym) -> None:
    with LiveEpisodes(capacity=1, engine=engine) as live:
        episodes = TaskEpisodes(live, load_environment("reverse_string"))
        assert not episodes.call("a", "run_code", {"code": "print(1)"}).failed
        assert "the most there may be" in episodes.call("b", "run_code", {"code": "print(1)"}).text
        episodes.end("a")
        assert not episodes.call("b", "run_code", {"code": "print(1)"}).failed


def test_a_call_that_can_not_be_made_is_told() -> None:
    with DeepGym(workers=1) as engine, LiveEpisodes(engine=engine) as live:
        episodes = TaskEpisodes(live, load_environment("reverse_string"))
        assert not episodes.call("a", "run_code", {"code": "print(1)"}).failed
        engine.close()
        said = episodes.call("a", "run_code", {"code": "print(1)"})
        assert (said.failed, said.data) == (True, None)
        assert "engine" in said.text


# ── options ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "error"),
    [({"max_turns": 0}, ConfigError), ({"ttl": 0}, ConfigError), ({"concurrency": 0}, ConfigError)],
)
def test_options_that_can_not_work(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        create_mcp_server("two_sum", **options)


def test_a_task_there_is_not() -> None:
    with pytest.raises(UnknownTaskError, match="did you mean 'two_sum'"):
        create_mcp_app("two_sun")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["two_sun"], "did you mean 'two_sum'"),
        (["two_sum", "--transport", "streamable-http", "--host", "0.0.0.0"], "say --allow-remote"),
        (["two_sum", "--transport", "streamable-http", "--host", "example.org"], "say --allow-remote"),
        (["two_sum", "--max-turns", "0"], "--max-turns"),
    ],
)
def test_a_command_line_that_can_not_work(arguments: list[str], said: str) -> None:
    run = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    assert (run.returncode, run.stdout) == (2, "")
    assert said in run.stderr


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        arguments = ["two_sum", "--transport", "streamable-http", "--port", port]
        run = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60)
    assert run.returncode == 2
    assert f"port {port}: Address already in use: choose another" in run.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_the_command_over_http_until_it_is_interrupted(processes: Any, host: str) -> None:
    remote = ["--allow-remote"] if host == "0.0.0.0" else []
    arguments = ["reverse_string", "--transport", "streamable-http", "--host", host, "--port", "0", *remote]
    with spawned(*arguments, stdout=subprocess.DEVNULL) as server:
        assert server.stderr is not None
        at = server.stderr.readline().split()[-1].replace("0.0.0.0", "127.0.0.1")

        async def play() -> None:
            async with Client(at) as client:
                await solve_function(client)

        asyncio.run(play())
        running = processes.below(server.pid)
        assert running
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 130
        assert processes.survivors(running) == []
