"""A task's tools for any client of the Model Context Protocol: each call is a turn of an episode.

- :func:`create_mcp_server`: a server of the official SDK, for a transport of yours.
- :func:`create_mcp_app`: over streamable HTTP, each session with an episode of its own.

A client finds the task in the server's instructions, as the prompt ``task`` and as a resource. What a tool
answers is the observation; how the episode stands comes beside it as structured content, which clients may show
a model too: the score of each test, whose id says something of hidden ones, is in the result's ``_meta`` instead,
which is the client's own. An infrastructure failure is an error result that says there is no verdict.

Over HTTP the episode is the session's, so clients that can do without sessions (2026-07-28 and later) are told
to open one, which the handshake of earlier versions of the protocol does. Over other transports a server has one
client.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from deepgym_env._version import __version__
from deepgym_env.actions import Tool
from deepgym_env.actions.values import did_you_mean
from deepgym_env.blocking import DeepGym
from deepgym_env.catalog import load_task
from deepgym_env.engine import Environment
from deepgym_env.envs.coding import tools_of
from deepgym_env.errors import ConfigError
from deepgym_env.integrations.live import LiveEpisodes
from deepgym_env.integrations.mcp_episodes import RESET, TaskEpisodes, Turn
from deepgym_env.integrations.mcp_http import SESSION, EndWithSession, security_of
from deepgym_env.integrations.serving import keeping
from deepgym_env.optional import require

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server
    from starlette.applications import Starlette

__all__ = ["create_mcp_app", "create_mcp_server"]

_WHAT = "an MCP server"
_ONLY_CLIENT = "the only client"
_LARGEST_BODY = 4 << 20
_RESETS = "Begin another episode of the task and read the task again; what was done so far is given up."
_STANDING: dict[str, Any] = {
    "type": "object",
    "properties": {
        "observation": {"type": "string", "description": "what the agent reads"},
        "reward": {"type": ["number", "null"], "description": "change of the score by this turn; null: no verdict"},
        "over": {"type": "boolean", "description": "whether no turn can be taken any more"},
        "task": {"type": "string"},
        "turn": {"type": "integer", "description": "turns taken"},
        "has_verdict": {"type": "boolean", "description": "false after an infrastructure failure"},
        "status": {"type": "string", "description": "what the state judged last came to"},
        "passed": {"type": "boolean"},
        "score": {"type": ["number", "null"], "description": "mean over the tests, 0..1; null: no verdict"},
    },
}
_APART = ("tests", "reward_components")  # their ids would tell a model of hidden tests


def create_mcp_server(
    task: Environment | str,
    *,
    seed: int | None = None,
    max_turns: int | None = None,
    once: bool = False,
    ttl: float = 3600.0,
    capacity: int = 256,
    concurrency: int = 64,
    engine: DeepGym | None = None,
) -> Server[Any]:
    """Return a server with the tools of a task; its lifespan ends the episodes.

    Args:
        task: The task, or its id.
        seed: Draws the tests of a task that is given by its id.
        max_turns: Turns of an episode; by default the task's.
        once: Give each client one episode and no tool that begins another.
        ttl: Seconds without a call after which an episode is ended.
        capacity: Most episodes at a time.
        concurrency: Calls that are made at a time.
        engine: The engine that judges; by default one of its own, which ends with it whatever is under way.

    Raises:
        ConfigError: If the SDK isn't installed, or an option has a value that can't work.
        UnknownTaskError: If there is no such task.
    """
    return _desk(task, seed, max_turns, once, ttl, capacity, engine).server(concurrency)


def create_mcp_app(
    task: Environment | str,
    *,
    host: str = "127.0.0.1",
    seed: int | None = None,
    max_turns: int | None = None,
    once: bool = False,
    ttl: float = 3600.0,
    capacity: int = 256,
    concurrency: int = 64,
    engine: DeepGym | None = None,
) -> Starlette:
    """Return an application with a server at ``/mcp``, whose sessions have an episode each.

    Args:
        task: The task, or its id.
        host: Where it will listen; on this machine's own addresses only requests to these are answered, so that no
            web page reaches it by a name of its own (DNS rebinding).
        seed: As for :func:`create_mcp_server`, and so the others.
        max_turns: Turns of an episode.
        once: Give each session one episode.
        ttl: Seconds without a call after which an episode is ended.
        capacity: Most episodes at a time.
        concurrency: Calls that are made at a time.
        engine: The engine that judges; by default one of its own.

    Raises:
        ConfigError: If the SDK isn't installed, or an option has a value that can't work.
        UnknownTaskError: If there is no such task.
    """
    desk = _desk(task, seed, max_turns, once, ttl, capacity, engine)
    app = desk.server(concurrency).streamable_http_app(
        transport_security=security_of(host), max_request_body_size=_LARGEST_BODY
    )
    app.add_middleware(EndWithSession, end=desk.episodes.end)
    return app


def _desk(
    task: Environment | str,
    seed: int | None,
    max_turns: int | None,
    once: bool,
    ttl: float,
    capacity: int,
    engine: DeepGym | None,
) -> _Desk:
    own = DeepGym() if engine is None else None
    live = LiveEpisodes(ttl=ttl, capacity=capacity, engine=engine or own)
    chosen = load_task(task, seed or 0) if isinstance(task, str) else task
    episodes = TaskEpisodes(live, chosen, max_turns=max_turns, once=once)
    return _Desk(live, episodes, own.close if own is not None else lambda: None)


class _Desk:
    """Answers what clients ask."""

    def __init__(self, live: LiveEpisodes, episodes: TaskEpisodes, close: Callable[[], None]) -> None:
        self.episodes = episodes
        self._live, self._close, self._task, self._once = live, close, episodes.task, episodes.once
        self._tools: dict[str, Tool] = {tool.name: tool for tool in tools_of(self._task)}
        self._types = require("mcp_types", _WHAT, "mcp")
        self._threads = require("anyio.to_thread", _WHAT, "mcp")

    def server(self, concurrency: int) -> Server[Any]:
        """Return a server that asks here."""
        if concurrency < 1:
            raise ConfigError(f"concurrency must be at least 1, got {concurrency!r}")
        server: Server[Any] = require("mcp.server.lowlevel", _WHAT, "mcp").Server(
            "deepgym",
            version=__version__,
            title=f"DeepGym: {self._task.title}",
            instructions=self._instructions(),
            lifespan=keeping(self._live, concurrency, self._close),
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_prompts=self._list_prompts,
            on_get_prompt=self._get_prompt,
            on_list_resources=self._list_resources,
            on_read_resource=self._read_resource,
        )
        server.middleware.append(self._insist_on_session)
        return server

    def _instructions(self) -> str:
        end = "" if self._once else f" Begin another with {RESET}."
        return (
            f"A coding task. Its tools work in a sandbox of its own; each call is a turn, of which an episode has "
            f"{self.episodes.turns}. Hand in with submit.{end}\n\n{self._task.prompt}"
        )

    # ── tools ─────────────────────────────────────────────────────────────────────────────

    async def _list_tools(self, ctx: Any, params: Any) -> Any:
        made = functools.partial(self._types.Tool, output_schema=_STANDING)
        tools = [
            made(name=tool.name, description=tool.description, input_schema=tool.parameters)
            for tool in self._tools.values()
        ]
        if not self._once:
            tools.append(made(name=RESET, description=_RESETS, input_schema={"type": "object", "properties": {}}))
        return self._types.ListToolsResult(tools=tools)

    async def _call_tool(self, ctx: Any, params: Any) -> Any:
        """Take a turn; a caller that gives up waiting doesn't take it back."""
        key = _key(ctx)
        if params.name == RESET and not self._once:
            work: Callable[[], Turn] = functools.partial(self.episodes.reset, key)
        elif params.name in self._tools:
            work = functools.partial(self.episodes.call, key, params.name, params.arguments or {})
        else:
            raise self._error(f"no tool {params.name!r}{did_you_mean(params.name, self._tools)}")
        turn: Turn = await self._threads.run_sync(work, abandon_on_cancel=True)
        text = self._types.TextContent(type="text", text=turn.text)
        shown = None if turn.data is None else {key: each for key, each in turn.data.items() if key not in _APART}
        apart = {f"deepgym/{key}": each for key, each in (turn.data or {}).items() if key in _APART}
        return self._types.CallToolResult(
            content=[text], structured_content=shown, is_error=turn.failed, meta=apart or None
        )

    # ── the task ──────────────────────────────────────────────────────────────────────────

    async def _list_prompts(self, ctx: Any, params: Any) -> Any:
        prompt = self._types.Prompt(name="task", title=self._task.title, description="The task to work on.")
        return self._types.ListPromptsResult(prompts=[prompt])

    async def _get_prompt(self, ctx: Any, params: Any) -> Any:
        if params.name != "task":
            raise self._error(f"no prompt {params.name!r}: there is 'task'")
        text = self._types.TextContent(type="text", text=self._task.prompt)
        message = self._types.PromptMessage(role="user", content=text)
        return self._types.GetPromptResult(description=self._task.title, messages=[message])

    @property
    def _uri(self) -> str:
        return f"deepgym://tasks/{self._task.id}"

    async def _list_resources(self, ctx: Any, params: Any) -> Any:
        resource = self._types.Resource(
            name="task",
            title=self._task.title,
            uri=self._uri,
            description="The task to work on.",
            mime_type="text/markdown",
        )
        return self._types.ListResourcesResult(resources=[resource])

    async def _read_resource(self, ctx: Any, params: Any) -> Any:
        if str(params.uri) != self._uri:
            raise self._error(f"no resource {str(params.uri)!r}: there is {self._uri!r}")
        contents = self._types.TextResourceContents(uri=self._uri, mime_type="text/markdown", text=self._task.prompt)
        return self._types.ReadResourceResult(contents=[contents])

    # ── protocol ──────────────────────────────────────────────────────────────────────────

    async def _insist_on_session(self, ctx: Any, call_next: Callable[[Any], Any]) -> Any:
        """Refuse versions of the protocol that know no sessions, where there may be several clients."""
        version = require("mcp_types.version", _WHAT, "mcp")
        if ctx.request is not None and ctx.protocol_version in version.MODERN_PROTOCOL_VERSIONS:
            raise require("mcp.shared.exceptions", _WHAT, "mcp").MCPError(
                self._types.UNSUPPORTED_PROTOCOL_VERSION,
                "an episode is a session's: initialize one, with a version of the protocol that has sessions",
                {"supported": list(version.HANDSHAKE_PROTOCOL_VERSIONS), "requested": ctx.protocol_version},
            )
        return await call_next(ctx)

    def _error(self, message: str) -> Exception:
        error: Exception = require("mcp.shared.exceptions", _WHAT, "mcp").MCPError(self._types.INVALID_PARAMS, message)
        return error


def _key(ctx: Any) -> str:
    """Return the client a request is from: over HTTP its session, which the transport knows to be one."""
    return _ONLY_CLIENT if ctx.request is None else str(ctx.request.headers[SESSION])
