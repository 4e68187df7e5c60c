"""``deepgym mcp``: a task's tools for clients of the Model Context Protocol."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from deepgym_env.cli.console import note
from deepgym_env.cli.inputs import ImageOption, ModeOption, SeedOption, TaskArgument, examples, resolve_task

__all__ = ["EXAMPLES", "mcp"]

EXAMPLES = examples(
    "deepgym mcp debug_fix",
    "deepgym mcp two_sum --max-turns 4 --once",
    "deepgym mcp debug_fix --transport streamable-http --port 8001",
)


class Transport(str, Enum):
    """How clients reach the server."""

    stdio = "stdio"
    streamable_http = "streamable-http"


def mcp(
    task: TaskArgument,
    transport: Annotated[
        Transport, typer.Option("--transport", help="stdio: a client starts this command; streamable-http: by URL.")
    ] = Transport.stdio,
    host: Annotated[str, typer.Option(help="Where to listen, over HTTP.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port, over HTTP; 0: one that is free.")] = 8001,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Listen where other machines reach it; nobody is asked who they are.")
    ] = False,
    max_turns: Annotated[int | None, typer.Option(help="Turns, by default what the task says.", min=1)] = None,
    once: Annotated[bool, typer.Option("--once", help="Give each client one episode, without the tool reset.")] = False,
    seed: SeedOption = 0,
    mode: ModeOption = None,
    image: ImageOption = None,
) -> None:
    """Offer a task's tools to an MCP client; each call is a turn of its episode.

    Ends when the client leaves (stdio), or when interrupted.
    """
    from deepgym_env.integrations.mcp import create_mcp_app, create_mcp_server
    from deepgym_env.integrations.mcp_http import insist_on_loopback, serve_http
    from deepgym_env.integrations.mcp_stdio import serve_stdio

    chosen = resolve_task(task, seed)
    if transport is Transport.stdio:
        serve_stdio(create_mcp_server(chosen, max_turns=max_turns, once=once, ttl=float("inf")))
        return
    if not allow_remote:
        insist_on_loopback(host)
    app = create_mcp_app(chosen, host=host, max_turns=max_turns, once=once)
    serve_http(app, host, port, ready=lambda url: note(f"listening at {url}"))
