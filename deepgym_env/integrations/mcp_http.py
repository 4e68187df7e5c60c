"""An MCP server over streamable HTTP: who may reach it, when a session is over, and serving it.

- :func:`serve_http`: until interrupted.
- :func:`security_of`: which requests are answered; :func:`is_loopback`, :func:`insist_on_loopback`: whether an address
  is this machine's own.
- :data:`SESSION`: the header that names a session; :class:`EndWithSession`: says when one was deleted.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from deepgym_env.errors import ConfigError
from deepgym_env.optional import require

if TYPE_CHECKING:
    from mcp.server.transport_security import TransportSecuritySettings
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["SESSION", "EndWithSession", "insist_on_loopback", "is_loopback", "security_of", "serve_http"]

SESSION = "mcp-session-id"
_WHAT = "an MCP server"
_OWN_NAMES = ("127.0.0.1", "localhost", "[::1]")
_GOODBYE_SECONDS = 2  # what is left to requests under way when the server ends


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address.

    Example:
        >>> is_loopback("localhost"), is_loopback("127.0.0.2"), is_loopback("::"), is_loopback("example.org")
        (True, True, False, False)
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def insist_on_loopback(host: str) -> None:
    """Refuse an address that other machines reach.

    Raises:
        ConfigError: If it is one.
    """
    if not is_loopback(host):
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


def security_of(host: str) -> TransportSecuritySettings:
    """Return which requests are answered, by the names they are sent to and from."""
    settings = require("mcp.server.transport_security", _WHAT, "mcp").TransportSecuritySettings
    hosts = list(dict.fromkeys((f"[{host}]" if ":" in host else host, *_OWN_NAMES)))
    made: TransportSecuritySettings = settings(
        enable_dns_rebinding_protection=is_loopback(host),
        allowed_hosts=[form for name in hosts for form in (name, f"{name}:*")],
        allowed_origins=[form for name in hosts for form in (f"http://{name}", f"http://{name}:*")],
    )
    return made


class EndWithSession:
    """Ends the episode of a session that its client has deleted."""

    def __init__(self, app: ASGIApp, end: Callable[[str], None]) -> None:
        """Wrap an application.

        Args:
            app: The application.
            end: Called with a session, before its client is told that it is gone.
        """
        self._app, self._end = app, end
        self._threads = require("anyio.to_thread", _WHAT, "mcp")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["method"] != "DELETE":
            await self._app(scope, receive, send)
            return
        keys = [value.decode("latin-1") for name, value in scope["headers"] if name == SESSION.encode()]

        async def sending(message: Message) -> None:
            if message.get("status", 500) < 400 and keys:
                await self._threads.run_sync(self._end, keys[0])
            await send(message)

        await self._app(scope, receive, sending)
