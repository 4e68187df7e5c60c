"""The two ways an MCP client reaches a server: as its child, or over HTTP.

- :func:`serve_stdio`: over standard input and output.
- :func:`serve_http`: over streamable HTTP.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from deepgym_env.errors import ConfigError
from deepgym_env.optional import require

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

__all__ = ["insist_on_loopback", "serve_http", "serve_stdio"]

_WHAT = "an MCP server"
_READ_BYTES = 1 << 16
_LONGEST_LINE = 64 << 20
_GOODBYE_SECONDS = 2  # what is left to requests under way when the server ends


def serve_stdio(server: Server[Any]) -> None:
    """Serve one client over standard input and output, until it closes them or the program is interrupted.

    Meanwhile nothing else reads from this process's standard input, and what is printed goes to standard error.

    Raises:
        KeyboardInterrupt: If it is interrupted.
        ConfigError: If the SDK isn't installed.
    """
    stdio = require("mcp.server.stdio", _WHAT, "mcp").stdio_server

    async def talk() -> None:
        async with stdio(stdin=_Lines(_taken_stdin())) as (read, write):
            await server.run(read, write, server.create_initialization_options())

    require("anyio", _WHAT, "mcp").run(talk)


def _taken_stdin() -> int:
    """Return a descriptor of standard input of which no program that is started here knows."""
    own = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return own


class _Lines:
    """The lines of a descriptor. The SDK's own wait for one can't be interrupted: it is a thread's."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield line after line."""
        begun = bytearray()
        while data := await self._read():
            *ends, rest = data.split(b"\n")
            for end in ends:
                yield (begun + end).decode("utf-8", "replace")
                begun.clear()
            begun += rest
            if len(begun) > _LONGEST_LINE:
                raise ConfigError(f"a message is longer than {_LONGEST_LINE} bytes")
        if begun:
            yield begun.decode("utf-8", "replace")

    async def _read(self) -> bytes:
        try:
            await require("anyio", _WHAT, "mcp").wait_readable(self._descriptor)
        except PermissionError:  # of a file or a device nobody needs to wait for
            await require("anyio.lowlevel", _WHAT, "mcp").checkpoint()
        return os.read(self._descriptor, _READ_BYTES)


def insist_on_loopback(host: str) -> None:
    """Refuse an address that other machines reach.

    Raises:
        ConfigError: If it is one.

    Example:
        >>> insist_on_loopback("127.0.0.1")
        >>> insist_on_loopback("0.0.0.0")
        Traceback (most recent call last):
        ...
        deepgym_env.errors.ConfigError: '0.0.0.0' can be reached from other machines, and nobody is asked ...
    """
    try:
        inside = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise ConfigError(
            f"{host!r} can be reached from other machines, and nobody is asked who they are: "
            "listen at 127.0.0.1, or say --allow-remote"
        )


def serve_http(app: Any, host: str, port: int, ready: Callable[[str], None] = lambda _: None) -> None:
    """Serve an application until interrupted.

    Args:
        app: What :func:`~deepgym_env.integrations.mcp.create_mcp_app` made.
        host: Where to listen.
        port: The port; 0: one that is free.
        ready: Called with the URL once connections are taken.

    Raises:
        KeyboardInterrupt: When it is interrupted.
        ConfigError: If uvicorn isn't installed, or can't listen there.
    """
    uvicorn = require("uvicorn", _WHAT, "mcp")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        why = os.strerror(error.errno) if isinstance(error.errno, int) and error.errno > 0 else str(error)
        raise ConfigError(f"can't listen at {host} port {port}: {why}: choose another") from error
    with listening:
        shown = f"[{host}]" if ":" in host else host
        ready(f"http://{shown}:{listening.getsockname()[1]}/mcp")
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=_GOODBYE_SECONDS)
        uvicorn.Server(config).run(sockets=[listening])
