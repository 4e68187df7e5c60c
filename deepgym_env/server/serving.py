"""Serving an application until a signal comes, and going down without losing anything.

- :class:`DrainingServer`: uvicorn's server, which answers what is under way first.
- :func:`listen`: the socket it listens on; :func:`is_loopback`: whether only this machine reaches an address.
"""

from __future__ import annotations

import ipaddress
import socket
from types import FrameType

import uvicorn

from deepgym_env.errors import ConfigError
from deepgym_env.server.drain import Drain

__all__ = ["DrainingServer", "is_loopback", "listen"]

_BACKLOG = 2048
_IDLE = 75  # seconds a connection may wait for its next request: longer than clients keep theirs
_CLOSING = 3  # seconds connections may take to close once nothing is under way


class DrainingServer(uvicorn.Server):
    """uvicorn's server, which after a signal goes on listening until what is under way is answered.

    Meanwhile ``/readyz`` says 503 and new work is refused with 503. A second signal ends it at once.
    """

    def __init__(self, app: object, drain: Drain) -> None:
        """Serve ``app``.

        Args:
            app: The application.
            drain: What it knows of the server's going down.
        """
        super().__init__(
            uvicorn.Config(
                app,  # type: ignore[arg-type]
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=_IDLE,
                timeout_graceful_shutdown=_CLOSING,
                lifespan="on",
            )
        )
        self._drain = drain

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to go down; the second time, end."""
        if self._drain.draining:
            self.should_exit = self.force_exit = True
        else:
            self._drain.begin()

    async def on_tick(self, counter: int) -> bool:
        """Return whether to stop listening."""
        return await super().on_tick(counter) or self._drain.check()


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address.

    Example:
        >>> [is_loopback(host) for host in ("localhost", "127.0.0.1", "::1", "0.0.0.0", "gpu7", "")]
        [True, True, True, False, False, False]
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 means any that is free.

    Raises:
        ConfigError: If it can't.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listening = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigError(
            f"can't listen on {host!r}, port {port}: {error.strerror or error}; choose another --host or --port"
        ) from error
    # asyncio sets it only on sockets that were made with a protocol; without it, an answer waits 40 ms for its end.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
